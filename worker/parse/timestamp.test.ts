import { describe, expect, it } from 'vitest';
import { isFailure } from '../../core/runtime/failure.ts';
import { timestampReader } from './timestamp.ts';

function ms(format: string, text: string): number {
  const bytes = new Uint8Array(Buffer.from(text));
  return timestampReader(format).fromText(bytes, 0, bytes.length);
}

describe('timestampReader', () => {
  it.each([
    ['auto', '2013-08-31T01:02:33Z', Date.UTC(2013, 7, 31, 1, 2, 33)],
    ['auto', '2013-08-31T01:02:33.456Z', Date.UTC(2013, 7, 31, 1, 2, 33, 456)],
    ['auto', '2013-08-31 01:02:33.456Z', Date.UTC(2013, 7, 31, 1, 2, 33, 456)],
    ['auto', '2013-08-31T01:02:33', Date.UTC(2013, 7, 31, 1, 2, 33)],
    ['auto', '2013-08-31T01:02:33.1234567+02:30', Date.UTC(2013, 7, 30, 22, 32, 33, 123)],
    ['auto', '2013-08-31', Date.UTC(2013, 7, 31)],
    ['iso', '2013', Date.UTC(2013, 0, 1)],
    ['auto', '1377910953000', 1377910953000],
    ['auto', '-5', -5],
    ['iso', '1377910953000', Number.NaN],
    ['iso', '2013-02-30T00:00:00Z', Number.NaN],
    ['iso', '2013-08-31T25:00:00Z', Number.NaN],
    ['iso', '20x3-08-31T01:02:33Z', Number.NaN],
    ['posix', '1377910953', 1377910953000],
    ['micro', '1377910953000999', 1377910953000],
    ['nano', '1377910953000999999', 1377910953000],
    ['yyyy-MM-dd HH:mm:ss', '2013-08-31 01:02:33', Date.UTC(2013, 7, 31, 1, 2, 33)],
    ['dd/MMM/yyyy:HH:mm:ss Z', '31/Aug/2013:01:02:33 -0700', Date.UTC(2013, 7, 31, 8, 2, 33)],
    ["yyyyMMdd'T'HHmmss", '20130831T010233', Date.UTC(2013, 7, 31, 1, 2, 33)],
    ['MM/dd/yy hh:mm a', '08/31/13 12:05 PM', Date.UTC(2013, 7, 31, 12, 5)],
    ['yyyy-MM-dd', '2013-13-01', Number.NaN],
  ])('%s reads %s', (format, text, expected) => {
    expect(ms(format, text)).toEqual(expected);
  });

  it('reads JSON numbers in their unit', () => {
    expect(timestampReader('posix').fromNumber(1.5)).toBe(1500);
    expect(timestampReader('auto').fromNumber(1377910953000)).toBe(1377910953000);
    expect(timestampReader('iso').fromNumber(5)).toBeNaN();
  });

  it('names the letter it does not know', () => {
    expect(() => timestampReader('yyyy-QQ')).toThrow(/letter 'Q' is not supported/);
    try {
      timestampReader('yyyy-QQ');
    } catch (error) {
      expect(isFailure(error, 'config')).toBe(true);
    }
  });
});
