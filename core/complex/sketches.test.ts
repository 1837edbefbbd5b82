import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { HashSketch, ValueHasher } from './complex-value.ts';
import { type HllType } from './hll-registers.ts';
import { hllHasher, HllSketch } from './hll-sketch.ts';
import { quantileOf, QuantilesSketch, rankOf } from './quantiles-sketch.ts';
import { thetaHasher, thetaOfBytes, thetaSetOperation, ThetaSketch } from './theta-sketch.ts';

// Vectors of Apache DataSketches Java 4.2.0 over the texts v0, v1, ...: SHA-256 of the bytes (first 16 digits) and
// estimates of n values, and of the union with n values that begin in the middle of them.

const sha = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex').slice(0, 16);

function fill<T extends HashSketch>(sketch: T, hasher: ValueHasher, from: number, to: number): T {
  const hash = { low: 0, high: 0 };
  for (let i = from; i < to; i++) {
    const bytes = Buffer.from(`v${i}`);
    if (hasher.text(bytes, 0, bytes.length, hash)) sketch.addHash(hash.low, hash.high);
  }
  return sketch;
}

const HLL: readonly (readonly [number, HllType, number, string, number, number, number, number])[] =
  [
    [
      4,
      'HLL_4',
      9,
      'd7048979c5105a02',
      9.406593545670916,
      7.0,
      14.596862352225877,
      14.168211097673957,
    ],
    [
      4,
      'HLL_6',
      700,
      '45dbe90df6f54031',
      703.081447323002,
      467.8272364622389,
      1091.0201508282162,
      1062.5489634973362,
    ],
    [
      7,
      'HLL_8',
      100,
      '4a3f5ccee4344867',
      110.10388694686836,
      95.1812238149247,
      127.80685364523231,
      167.91761662025738,
    ],
    [8, 'HLL_4', 0, '9d90a90227059499', 0.0, 0.0, 0.0, 0.0],
    [8, 'HLL_4', 1, '6166ae4057ddd6ca', 1.0, 1.0, 1.0000998634873453, 1.0],
    [
      8,
      'HLL_4',
      8,
      '78be91347ef5534e',
      8.000000139077509,
      8.0,
      8.00079904699016,
      12.000000327825557,
    ],
    [
      8,
      'HLL_6',
      25,
      '58fc73cc92a6e76e',
      25.000001490116226,
      23.0,
      27.768619584044416,
      37.556699948124106,
    ],
    [
      11,
      'HLL_4',
      24,
      '902a1999b9e9bb3f',
      24.00000137090692,
      24.0,
      24.00239809474011,
      36.00000312924417,
    ],
    [
      11,
      'HLL_4',
      700,
      '59ff17da934ac684',
      702.5663858152578,
      677.325070527758,
      728.8948990513891,
      1053.850015201433,
    ],
    [
      12,
      'HLL_4',
      3000,
      '6e582b5816e9756f',
      2994.282363062828,
      2918.010556903425,
      3072.8643954512117,
      4512.565331245532,
    ],
    [
      12,
      'HLL_4',
      100000,
      '4bf5e82f1e5c050b',
      101350.07878186973,
      98768.44063763543,
      104009.91316210349,
      151536.07052769934,
    ],
    [
      12,
      'HLL_6',
      100000,
      '77347cad1de0113f',
      101350.07878186973,
      98768.44063763543,
      104009.91316210349,
      151536.07052769934,
    ],
    [
      12,
      'HLL_8',
      100000,
      '6f801c93c7f2ad09',
      101350.07878186973,
      98768.44063763543,
      104009.91316210349,
      151536.07052769934,
    ],
    [
      14,
      'HLL_4',
      3000,
      '7a5d88b6095cee59',
      2996.812546634987,
      2958.328638057878,
      3036.3109004011962,
      4544.758969844494,
    ],
  ];

describe('HLL sketches', () => {
  test.each(HLL)('lgK %i %s, %i values', (lgK, type, n, digest, estimate, lower, upper, united) => {
    const hasher = hllHasher(false);
    const sketch = fill(new HllSketch(lgK, type), hasher, 0, n);
    expect(sha(sketch.toBytes())).toBe(digest);
    expect(sketch.estimate()).toBe(estimate);
    expect(sketch.bounds(2)).toEqual([estimate, lower, upper]);
    const half = Math.floor(n / 2);
    const other = fill(new HllSketch(lgK, type), hasher, half, n + half);
    const union = new HllSketch(lgK, type);
    union.foldBytes(sketch.toBytes());
    union.fold(other);
    expect(union.estimate()).toBe(united);
  });

  test('bytes that are no sketch are corrupt', () => {
    const bytes = fill(new HllSketch(12, 'HLL_4'), hllHasher(false), 0, 5000).toBytes();
    const corrupt = expect.objectContaining({ kind: 'corrupt', code: 'ComplexCorrupt' });
    for (const [at, value] of [
      [1, 9],
      [2, 3],
      [3, 30],
      [7, 3],
    ] as const) {
      const broken = Uint8Array.from(bytes);
      broken[at] = value;
      expect(() => HllSketch.ofBytes(broken)).toThrow(corrupt);
    }
    expect(() => HllSketch.ofBytes(bytes.subarray(0, 100))).toThrow(corrupt);
  });
});

const THETA: readonly (readonly [
  number,
  number,
  string,
  number,
  string,
  number,
  number,
  string,
  number,
])[] = [
  [16, 0, 'b8c4f29742a5fdfb', 0.0, 'b8c4f29742a5fdfb', 0.0, 0.0, 'b8c4f29742a5fdfb', 0.0],
  [16, 1, 'ddafce17442cf93c', 1.0, 'ddafce17442cf93c', 1.0, 1.0, 'b8c4f29742a5fdfb', 0.0],
  [16, 2, 'c0e4377aa80de0a9', 2.0, '9796422b37370821', 3.0, 1.0, 'ddafce17442cf93c', 1.0],
  [
    16,
    16,
    'de42a00ee3c6fd83',
    16.0,
    '19b9c1cb577ba41e',
    22.383357255745448,
    8.0,
    '6007e48d3a942b89',
    8.0,
  ],
  [
    16,
    17,
    'b36aa78348cf759d',
    17.0559903490514,
    '2a03daf887e698a0',
    22.455815558649224,
    8.5279951745257,
    '309eb9c983d05d2a',
    8.5279951745257,
  ],
  [
    16,
    40,
    'cbdfa38b58f0ef1b',
    35.18196752983375,
    'e27a3f3c99c8081e',
    53.875103216940346,
    19.196377837127216,
    '4dabd137d0478bd5',
    14.397283377845412,
  ],
  [
    32,
    31,
    '09fe94654a578fab',
    31.0,
    '403c17db15417e3c',
    44.766714511490896,
    16.0,
    'b79288df0d2926af',
    15.0,
  ],
  [
    32,
    1000,
    '663025d2bb56293a',
    890.4125353315178,
    '4bebe2ba4b228107',
    1114.2988033370982,
    446.2018659520735,
    '669e95291229dcc3',
    418.3142493300689,
  ],
  [
    4096,
    1000,
    '0913abdb64f38402',
    1000.0,
    'd57f76eced8e847d',
    1500.0,
    500.0,
    'b45a756ca551774e',
    500.0,
  ],
  [
    4096,
    100000,
    'c2e95578969e8e2a',
    97816.46678401067,
    'fde082fae7820e63',
    148158.20212829125,
    49511.2879894079,
    '9143a6d6007fb2f5',
    48206.45170271779,
  ],
  [
    16384,
    100000,
    '53da83c4641e063c',
    99140.19728071964,
    '96cb4905271fbf74',
    148390.0872962679,
    50398.44730049539,
    'ff74d18d746d957b',
    48891.82218979885,
  ],
];

describe('theta sketches', () => {
  test.each(THETA)(
    'size %i, %i values',
    (size, n, digest, estimate, unionDigest, united, common, restDigest, rest) => {
      const half = Math.floor(n / 2);
      const sketch = fill(new ThetaSketch(size), thetaHasher, 0, n);
      const other = fill(new ThetaSketch(size), thetaHasher, half, n + half);
      expect(sha(sketch.toBytes())).toBe(digest);
      expect(sketch.estimate()).toBe(estimate);
      const inputs = [sketch, other].map((input) => thetaOfBytes(input.toBytes()));
      const union = thetaSetOperation('UNION', size, inputs);
      expect(sha(union.toBytes())).toBe(unionDigest);
      expect(union.estimate()).toBe(united);
      expect(thetaSetOperation('INTERSECT', size, inputs).estimate()).toBe(common);
      const difference = thetaSetOperation('NOT', size, inputs);
      expect(sha(difference.toBytes())).toBe(restDigest);
      expect(difference.estimate()).toBe(rest);
    },
  );

  test('bytes that are no sketch are corrupt', () => {
    const bytes = fill(new ThetaSketch(16), thetaHasher, 0, 100).toBytes();
    const corrupt = expect.objectContaining({ kind: 'corrupt', code: 'ComplexCorrupt' });
    for (const [at, value] of [
      [0, 9],
      [1, 9],
      [2, 7],
      [5, 1],
      [6, 1],
      [8, 99],
      [23, 0],
    ] as const) {
      const broken = Uint8Array.from(bytes);
      broken[at] = value;
      expect(() => thetaOfBytes(broken)).toThrow(corrupt);
    }
  });
});

describe('quantiles sketches', () => {
  test('few values are kept as they are, in the bytes of DataSketches', () => {
    const sketch = new QuantilesSketch(128);
    for (const value of [12, 8, 9_007_199_254_740_992]) sketch.add(value);
    expect(Buffer.from(sketch.toBytes()).toString('base64')).toBe(
      'AgMIGoAAAAADAAAAAAAAAAAAAAAAACBAAAAAAAAAQEMAAAAAAAAgQAAAAAAAAChAAAAAAAAAQEM=',
    );
    expect(Buffer.from(new QuantilesSketch(128).toBytes()).toString('base64')).toBe('AQMIHoAAAAA=');
  });

  test('ranks are within the error of k, whatever the values came through', () => {
    const whole = new QuantilesSketch(128);
    const parts = Array.from({ length: 7 }, () => new QuantilesSketch(128));
    const n = 100_000;
    for (let i = 0; i < n; i++) {
      const value = (i * 7919) % n;
      whole.add(value);
      parts[i % 7]?.add(value);
    }
    const united = new QuantilesSketch(128);
    for (const part of parts) united.foldBytes(part.toBytes());
    let checked = 0;
    for (const sketch of [whole, united, QuantilesSketch.ofBytes(united.toBytes())]) {
      expect([sketch.n, sketch.min, sketch.max]).toEqual([n, 0, n - 1]);
      const view = sketch.sorted();
      expect(view.cumulative.at(-1)).toBe(n);
      for (let rank = 0.05; rank < 1; rank += 0.05) {
        expect(Math.abs(quantileOf(view, rank) / n - rank)).toBeLessThan(0.03);
        expect(Math.abs(rankOf(view, rank * n) - rank)).toBeLessThan(0.03);
        checked++;
      }
    }
    expect(checked).toBe(57);
  });

  test('a coarser sketch makes the union coarser', () => {
    const [fine, coarse] = [new QuantilesSketch(256), new QuantilesSketch(32)];
    for (let i = 0; i < 20_000; i++) [fine, coarse][i % 2]?.add(i);
    fine.fold(coarse);
    expect([fine.k, fine.n, fine.max]).toEqual([32, 20_000, 19_999]);
    expect(Math.abs(rankOf(fine.sorted(), 10_000) - 0.5)).toBeLessThan(0.1);
    expect(QuantilesSketch.ofBytes(fine.toBytes()).n).toBe(20_000);
  });

  test('bytes that are no sketch are corrupt', () => {
    const sketch = new QuantilesSketch(16);
    for (let i = 0; i < 100; i++) sketch.add(i);
    const bytes = sketch.toBytes();
    const corrupt = expect.objectContaining({ kind: 'corrupt', code: 'ComplexCorrupt' });
    for (const [at, value] of [
      [1, 9],
      [2, 3],
      [4, 3],
      [10, 200],
      [15, 128],
    ] as const) {
      const broken = Uint8Array.from(bytes);
      broken[at] = value;
      expect(() => QuantilesSketch.ofBytes(broken)).toThrow(corrupt);
    }
    expect(() => QuantilesSketch.ofBytes(bytes.subarray(0, 60))).toThrow(corrupt);
  });
});
