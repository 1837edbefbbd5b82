// Files that the command line or the environment names. Used by every command that reads one whole.

import { readFileSync } from 'node:fs';
import { Failure, messageOf } from '../core/runtime/failure.ts';

/**
 * The text of a file; 0 is standard input.
 *
 * @param named  how the user named it, for the message: option and value
 * @param fix  what to do when it cannot be read
 * @throws Failure `config` FileUnreadable
 */
export function readTextFile(file: string | 0, named: string, fix: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const text = `${named} cannot be read (${messageOf(error)}); ${fix}`;
    throw new Failure('config', 'FileUnreadable', text, error);
  }
}
