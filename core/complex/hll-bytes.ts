// Bytes of HLL sketches, compact form. Read and written by hll-sketch.ts. Little-endian.
//
//   list = 02 01 07, u8 lgK, u8 03, u8 flags, u8 count, u8 mode, i32 coupon * count
//   set  = 03 01 07, u8 lgK, u8 lgSlots, u8 flags, u8 0, u8 mode, i32 count, i32 coupon * count
//   hll  = 0a 01 07, u8 lgK, u8 lgExceptions, u8 flags, u8 least, u8 mode, f64 hip, f64 kxq0, f64 kxq1,
//          i32 registers at the least value, i32 exceptions, registers, i32 exception * exceptions
//   registers = 4 bits each (even slot low) less `least`, 15 = an exception | 6 bits each, one byte of padding | 8 bits
//   mode  = type (0 HLL_4, 1 HLL_6, 2 HLL_8) << 2 | 0 list, 1 set, 2 hll;  flags = 04 empty, 08 compact, 10 merged

import { corruptBytes } from './complex-value.ts';
import { type Coupons, exceptionTableLg, orderedExceptions } from './hll-coupons.ts';
import { HLL_TYPES, type HllType, Registers } from './hll-registers.ts';

const EMPTY = 0x04;
const COMPACT = 0x08;
const MERGED = 0x10;
const REGISTERS_AT = 40;
const VALUE_MAX = 63;

const corrupt = (offset: number, what: string): Error => corruptBytes('HLLSketch', offset, what);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Coupons, or registers. @throws Failure `corrupt` ComplexCorrupt */
export function readHll(bytes: Uint8Array): readonly number[] | Registers {
  if (bytes.length < 8) throw corrupt(0, `${bytes.length} bytes`);
  const view = viewOf(bytes);
  const lgK = view.getUint8(3);
  const mode = view.getUint8(7) & 3;
  if (view.getUint8(1) !== 1 || view.getUint8(2) !== 7)
    throw corrupt(1, `version ${view.getUint8(1)}, family ${view.getUint8(2)}`);
  if (lgK < 4 || lgK > 21) throw corrupt(3, `lgK ${lgK}, expected 4 to 21`);
  const isCompact = (view.getUint8(5) & COMPACT) !== 0;
  if (mode === 0) return readCoupons(view, 8, view.getUint8(6), view.getUint8(6));
  if (mode === 1) {
    if (bytes.length < 12) throw corrupt(0, `${bytes.length} bytes`);
    const count = view.getInt32(8, true);
    return readCoupons(view, 12, count, isCompact ? count : 2 ** Math.min(30, view.getUint8(4)));
  }
  if (mode === 2) return readRegisters(bytes, view, lgK);
  throw corrupt(7, `mode ${mode}`);
}

function readCoupons(view: DataView, at: number, count: number, slots: number): number[] {
  if (count < 0 || slots < count || at + 4 * slots > view.byteLength)
    throw corrupt(at, `${count} coupons in ${view.byteLength} bytes`);
  const coupons: number[] = [];
  for (let i = 0; i < slots; i++) {
    const coupon = view.getInt32(at + 4 * i, true);
    if (coupon !== 0) coupons.push(coupon);
  }
  if (coupons.length !== count) throw corrupt(at, `${coupons.length} coupons, expected ${count}`);
  return coupons;
}

function registerBytes(type: HllType, k: number): number {
  return type === 'HLL_4' ? k / 2 : type === 'HLL_6' ? (k * 3) / 4 + 1 : k;
}

function readRegisters(bytes: Uint8Array, view: DataView, lgK: number): Registers {
  const type = HLL_TYPES[(view.getUint8(7) >> 2) & 3];
  if (type === undefined) throw corrupt(7, `type ${view.getUint8(7) >> 2}`);
  const k = 2 ** lgK;
  const exceptionsAt = REGISTERS_AT + registerBytes(type, k);
  if (bytes.length < exceptionsAt) throw corrupt(0, `${bytes.length} bytes for ${k} registers`);
  const registers = new Registers(lgK);
  const { values } = registers;
  const least = type === 'HLL_4' ? view.getUint8(6) : 0;
  for (let slot = 0; slot < k; slot++) {
    const value = least + rawRegister(bytes, type, slot);
    if (value > VALUE_MAX) throw corrupt(REGISTERS_AT, `register ${slot} is ${value}`);
    values[slot] = value;
  }
  if (type === 'HLL_4') readExceptions(view, exceptionsAt, values);
  registers.recount();
  registers.isMerged = (view.getUint8(5) & MERGED) !== 0;
  registers.hip = registers.isMerged ? 0 : view.getFloat64(8, true);
  if (!(registers.hip >= 0)) throw corrupt(8, `an estimate of ${registers.hip}`);
  return registers;
}

function readExceptions(view: DataView, start: number, values: Uint8Array): void {
  const isCompact = (view.getUint8(5) & COMPACT) !== 0;
  const count = view.getInt32(36, true);
  const slots = isCompact || count === 0 ? count : 2 ** Math.min(21, view.getUint8(4));
  if (count < 0 || start + 4 * slots > view.byteLength)
    throw corrupt(36, `${count} exceptions in ${view.byteLength} bytes`);
  for (let i = 0; i < slots; i++) {
    const pair = view.getInt32(start + 4 * i, true);
    if (pair !== 0) values[pair & 0x3ffffff & (values.length - 1)] = pair >>> 26;
  }
}

function rawRegister(bytes: Uint8Array, type: HllType, slot: number): number {
  if (type === 'HLL_8') return bytes[REGISTERS_AT + slot]!;
  if (type === 'HLL_4') {
    const byte = bytes[REGISTERS_AT + (slot >> 1)]!;
    return (slot & 1) === 0 ? byte & 15 : byte >> 4;
  }
  const bit = slot * 6;
  const at = REGISTERS_AT + (bit >> 3);
  return ((bytes[at]! | (bytes[at + 1]! << 8)) >> (bit & 7)) & 63;
}

/** The stored form of a sketch of the type. */
export function writeHll(state: Coupons | Registers, lgK: number, type: HllType): Uint8Array {
  const typeBits = HLL_TYPES.indexOf(type) << 2;
  if (state instanceof Registers) return writeRegisters(state, type, typeBits);
  const { count, isSet, lgSlots } = state;
  const at = isSet ? 12 : 8;
  const bytes = new Uint8Array(at + 4 * count);
  const view = viewOf(bytes);
  const flags = COMPACT | (count === 0 ? EMPTY : 0);
  bytes.set([
    isSet ? 3 : 2,
    1,
    7,
    lgK,
    lgSlots,
    flags,
    isSet ? 0 : count,
    typeBits | (isSet ? 1 : 0),
  ]);
  if (isSet) view.setInt32(8, count, true);
  let i = 0;
  state.forEach((coupon) => view.setInt32(at + 4 * i++, coupon, true));
  return bytes;
}

function writeRegisters(registers: Registers, type: HllType, typeBits: number): Uint8Array {
  const { values, lgK, isMerged } = registers;
  const [least, atLeast] = leastOf(values);
  const isFour = type === 'HLL_4';
  const pairs: number[] = [];
  if (isFour) {
    values.forEach((value, slot) => {
      if (value >= least + 15) pairs.push((value << 26) | slot);
    });
  }
  const exceptions = orderedExceptions(pairs, lgK);
  const exceptionsAt = REGISTERS_AT + registerBytes(type, values.length);
  const bytes = new Uint8Array(exceptionsAt + 4 * exceptions.length);
  const view = viewOf(bytes);
  const lgArr = pairs.length > 0 ? exceptionTableLg(pairs.length, lgK) : 0;
  // 6 and 8 bits count zeros, even when there are none; merging leaves the true least value of an 8-bit union.
  const isCounted = isFour || (type === 'HLL_8' && isMerged);
  const flags = COMPACT | (isMerged ? MERGED : 0);
  bytes.set([
    10,
    1,
    7,
    lgK,
    lgArr,
    isFour ? flags : flags & ~COMPACT,
    isCounted ? least : 0,
    typeBits | 2,
  ]);
  view.setFloat64(8, registers.hip, true);
  view.setFloat64(16, registers.kxq0, true);
  view.setFloat64(24, registers.kxq1, true);
  view.setInt32(32, isCounted || least === 0 ? atLeast : 0, true);
  view.setInt32(36, exceptions.length, true);
  values.forEach((value, slot) => putRegister(bytes, type, slot, value, least));
  exceptions.forEach((pair, i) => view.setInt32(exceptionsAt + 4 * i, pair, true));
  return bytes;
}

function leastOf(values: Uint8Array): [number, number] {
  let least = 64;
  let count = 0;
  for (const value of values) {
    if (value < least) {
      least = value;
      count = 1;
    } else if (value === least) count++;
  }
  return [least, count];
}

function putRegister(
  bytes: Uint8Array,
  type: HllType,
  slot: number,
  value: number,
  least: number,
): void {
  if (type === 'HLL_8') bytes[REGISTERS_AT + slot] = value;
  else if (type === 'HLL_4') {
    const at = REGISTERS_AT + (slot >> 1);
    bytes[at] = bytes[at]! | (Math.min(15, value - least) << ((slot & 1) * 4));
  } else {
    const bit = slot * 6;
    const at = REGISTERS_AT + (bit >> 3);
    bytes[at] = bytes[at]! | (value << (bit & 7));
    bytes[at + 1] = bytes[at + 1]! | (value >> (8 - (bit & 7)));
  }
}
