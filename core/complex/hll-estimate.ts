// Estimates and bounds of the HLL sketch of DataSketches: from coupons while few, from the composite estimator
// otherwise (the historic-inverse-probability estimate is kept by the sketch itself). Fed by hll-sketch.ts.

import { interpolationRow } from './hll-interpolation.ts';

/** What is seen of k = 2^26 coupon addresses against the values that were added: number of coupons. */
const COUPONS = Float64Array.from({ length: 40 }, (_, i) =>
  i < 6 ? ([0, 1, 20, 400, 8000, 160_000][i] ?? 0) : (i - 5) * 300_000,
);
/** The values expected behind each of {@link COUPONS}. */
const COUPON_VALUES = Float64Array.of(
  0.0,
  1.0,
  20.00000094374026,
  400.0003963713384,
  8000.158929460209,
  160063.60677637596,
  300223.70715976635,
  600895.593385617,
  902016.8065120955,
  1203588.498319951,
  1505611.8245524743,
  1808087.9449319066,
  2111018.0231759353,
  2414403.22701425,
  2718244.728205189,
  3022543.702552454,
  3327301.329921909,
  3632518.794258454,
  3938197.283602969,
  4244337.990109356,
  4550942.110061649,
  4858010.843891189,
  5165545.396193897,
  5473546.975747645,
  5782016.7955296505,
  6090956.072734016,
  6400366.028789296,
  6710247.889376201,
  7020602.884445314,
  7331432.248234972,
  7642737.219289148,
  7954519.0404754765,
  8266778.959003342,
  8579518.226442046,
  8892738.098739047,
  9206439.836238328,
  9520624.703698829,
  9835293.97031292,
  10150448.909725029,
  10466090.800050326,
);
/** Relative standard error of an estimate from coupons. */
const COUPON_ERROR = 0.409 / 2 ** 13;

/** Estimate while a sketch holds coupons. */
export function couponEstimate(coupons: number): number {
  const estimate = interpolate(COUPONS, (i) => COUPON_VALUES[i] ?? 0, coupons);
  return Math.max(estimate, coupons);
}

/** Lower and upper bound of {@link couponEstimate}. */
export function couponBounds(coupons: number, deviations: number): [number, number] {
  const estimate = interpolate(COUPONS, (i) => COUPON_VALUES[i] ?? 0, coupons);
  return [
    Math.max(estimate / (1 + deviations * COUPON_ERROR), coupons),
    Math.max(estimate / (1 - deviations * COUPON_ERROR), coupons),
  ];
}

/** Cubic through the four points around `x`, which lies within the table. */
function interpolate(xs: Float64Array, y: (i: number) => number, x: number): number {
  const last = xs.length - 1;
  if (x === xs[last]) return y(last);
  let left = 0;
  let right = last;
  while (left + 1 < right) {
    const middle = left + ((right - left) >> 1);
    if (xs[middle]! <= x) left = middle;
    else right = middle;
  }
  const at = left === 0 ? 0 : left === last - 1 ? left - 2 : left - 1;
  const [x0, x1, x2, x3] = [xs[at]!, xs[at + 1]!, xs[at + 2]!, xs[at + 3]!];
  const term0 = (y(at) * ((x - x1) * (x - x2) * (x - x3))) / ((x0 - x1) * (x0 - x2) * (x0 - x3));
  const term1 =
    (y(at + 1) * ((x - x0) * (x - x2) * (x - x3))) / ((x1 - x0) * (x1 - x2) * (x1 - x3));
  const term2 =
    (y(at + 2) * ((x - x0) * (x - x1) * (x - x3))) / ((x2 - x0) * (x2 - x1) * (x2 - x3));
  const term3 =
    (y(at + 3) * ((x - x0) * (x - x1) * (x - x2))) / ((x3 - x0) * (x3 - x1) * (x3 - x2));
  return term0 + term1 + term2 + term3;
}

/** Distance of two y values of the interpolation table, by lgK. */
function strideOf(lgK: number): number {
  return lgK < 7 ? lgK - 3 : 5 * 2 ** (lgK - 7);
}

/** Estimate from registers alone: `kxq` = sum of 2^-register, `zeros` = registers that are 0. */
export function compositeEstimate(lgK: number, kxq: number, zeros: number): number {
  const k = 2 ** lgK;
  const raw = (correction(lgK) * k * k) / kxq;
  const xs = interpolationRow(lgK);
  const stride = strideOf(lgK);
  const last = xs.length - 1;
  if (raw < xs[0]!) return 0;
  if (raw > xs[last]!) return raw * ((stride * last) / xs[last]!);
  const adjusted = interpolate(xs, (i) => stride * i, raw);
  if (adjusted > 3 * k) return adjusted;
  const linear = zeros === 0 ? k * Math.log(k / 0.5) : k * (harmonic(k) - harmonic(zeros));
  const crossOver = lgK === 4 ? 0.718 : lgK === 5 ? 0.672 : 0.64;
  return (adjusted + linear) / 2 > crossOver * k ? adjusted : linear;
}

function correction(lgK: number): number {
  if (lgK === 4) return 0.673;
  if (lgK === 5) return 0.697;
  return lgK === 6 ? 0.709 : 0.7213 / (1 + 1.079 / 2 ** lgK);
}

/** Below this the harmonic numbers are added up as fractions. */
const EXACT_BELOW = 25;
const EULER = 0.5772156649015329;
const FRACTIONS: readonly (readonly [number, number])[] = [
  [0, 1],
  [1, 1],
  [3, 2],
  [11, 6],
  [25, 12],
  [137, 60],
  [49, 20],
  [363, 140],
  [761, 280],
  [7129, 2520],
  [7381, 2520],
  [83_711, 27_720],
  [86_021, 27_720],
  [1_145_993, 360_360],
  [1_171_733, 360_360],
  [1_195_757, 360_360],
  [2_436_559, 720_720],
  [42_142_223, 12_252_240],
  [14_274_301, 4_084_080],
  [275_295_799, 77_597_520],
  [55_835_135, 15_519_504],
  [18_858_053, 5_173_168],
  [19_093_197, 5_173_168],
  [444_316_699, 118_982_864],
  [1_347_822_955, 356_948_592],
];

function harmonic(n: number): number {
  if (n < EXACT_BELOW) {
    const [numerator, denominator] = FRACTIONS[n] ?? [0, 1];
    return numerator / denominator;
  }
  const inverse = 1 / (n * n);
  let power = inverse;
  let sum = Math.log(n) + EULER + 1 / (2 * n);
  sum -= power * (1 / 12);
  power *= inverse;
  sum += power * (1 / 120);
  power *= inverse;
  sum -= power * (1 / 252);
  power *= inverse;
  return sum + power * (1 / 240);
}

/** Relative errors at 1, 2, 3 deviations for lgK 4 to 12: in order lower, in order upper, merged lower, merged upper. */
const ERRORS: readonly (readonly number[])[] = [
  [
    0.207316195, 0.502865572, 0.882303765, 0.146981579, 0.335426881, 0.557052, 0.104026721,
    0.227683872, 0.365888317, 0.073614601, 0.156781585, 0.245740374, 0.05205248, 0.108783763,
    0.168030442, 0.036770852, 0.075727545, 0.11593785, 0.025990219, 0.053145536, 0.080772263,
    0.018373987, 0.037266176, 0.056271814, 0.012936253, 0.02613829, 0.039387631,
  ],
  [
    -0.207805347, -0.355574279, -0.475535095, -0.146988328, -0.262390832, -0.360864026,
    -0.103877775, -0.191503663, -0.269311582, -0.073452978, -0.138513438, -0.198487447,
    -0.051982806, -0.099703123, -0.144128618, -0.036768609, -0.07138158, -0.104430324, -0.025991325,
    -0.050854296, -0.0748143, -0.01834533, -0.036121138, -0.05327616, -0.012920332, -0.025572893,
    -0.037896952,
  ],
  [
    0.254409839, 0.682266712, 1.304022158, 0.181817353, 0.443389054, 0.778776219, 0.129432281,
    0.295782195, 0.49252279, 0.091640655, 0.201175925, 0.323664385, 0.064858051, 0.138523393,
    0.218805328, 0.045851855, 0.095925072, 0.148635751, 0.032454144, 0.067009668, 0.102660669,
    0.022921382, 0.046868565, 0.071307398, 0.016155679, 0.032825719, 0.049677541,
  ],
  [
    -0.256980172, -0.411905944, -0.52651057, -0.182332109, -0.310275547, -0.412660505, -0.129314228,
    -0.230142294, -0.315636197, -0.091584836, -0.16834013, -0.236346847, -0.06487411, -0.122045231,
    -0.174112107, -0.04591465, -0.08784505, -0.126917615, -0.032433119, -0.062897613, -0.091862929,
    -0.022960633, -0.044875401, -0.065736049, -0.016186662, -0.031827816, -0.046973459,
  ],
];
/** Square roots of ln 2 and of 3 ln 2 - 1: errors beyond the tables, times 1 / sqrt(k). */
const IN_ORDER_FACTOR = 0.8325546111576977;
const MERGED_FACTOR = 1.0389617614136892;

/** Relative error of a bound; `estimate / (1 + error)` is the bound. */
export function relativeError(
  isUpper: boolean,
  isMerged: boolean,
  lgK: number,
  deviations: number,
): number {
  if (lgK > 12) {
    const factor = isMerged ? MERGED_FACTOR : IN_ORDER_FACTOR;
    return ((isUpper ? -1 : 1) * deviations * factor) / Math.sqrt(2 ** lgK);
  }
  const table = ERRORS[(isMerged ? 2 : 0) + (isUpper ? 1 : 0)] ?? [];
  return table[(lgK - 4) * 3 + deviations - 1] ?? 0;
}
