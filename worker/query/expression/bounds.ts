// How large a value of an expression may become: a short query must not ask for any amount of memory.

import { Failure } from '../../../core/runtime/failure.ts';
import type { Value } from '../value.ts';

/** Most characters of a text that a function makes. */
export const TEXT_MAX = 1_000_000;
/** Most values of a list that a function makes. */
const LIST_MAX = 10_000;

/** The text, if it is short enough. @throws Failure `input` ResourceLimitExceeded */
export function boundedText(text: string): string {
  if (text.length > TEXT_MAX) throw tooLarge(`a text of more than ${TEXT_MAX} characters`);
  return text;
}

/** Checks the length of a list before it is made. @throws Failure `input` ResourceLimitExceeded */
export function checkLength(length: number): void {
  if (length > LIST_MAX) throw tooLarge(`a list of more than ${LIST_MAX} values`);
}

/** The list, if it holds few enough values, those of lists within it too. @throws as {@link checkLength} */
export function boundedList(list: readonly Value[]): readonly Value[] {
  checkLength(countOf(list));
  return list;
}

/** A list may hold the same list again and again: counted as it prints, and only as far as needed. */
function countOf(list: readonly Value[]): number {
  let count = list.length;
  for (const item of list) {
    if (count > LIST_MAX) break;
    if (Array.isArray(item)) count += countOf(item);
  }
  return count;
}

function tooLarge(what: string): Failure {
  return new Failure('input', 'ResourceLimitExceeded', `expression: ${what}`);
}
