// Native queries: the one file the roles import. Parse, run on pieces, merge, encode, finish.

export { cacheKey } from './cache-key.ts';
export { type QueryControl, UNLIMITED } from './control.ts';
export { errorAnswer } from './error-body.ts';
export { answerQuery } from './execute.ts';
export { finishQuery } from './finish/finish-query.ts';
export { streamScanAnswer } from './finish/stream-scan.ts';
export { prettify } from './finish/json.ts';
export { expandLookups, mayNameLookups } from './lookups/expand.ts';
export { emptyPartial, foldPartials, mergePartials } from './merge.ts';
export { type Query } from './model.ts';
export { INTERNAL_LIMITS } from './parse/checks.ts';
export { parseQuery, parseQueryText } from './parse/query.ts';
export { decodePartial, encodePartial } from './partial-codec.ts';
export { type Partial } from './partial.ts';
export { piecesAtHand, planQuery, type PlannedQuery, tablesOf } from './plan.ts';
export { type QueryPiece } from './run/piece.ts';
export { runQuery } from './run/run-query.ts';
export { exactJson, parseExactJson } from './source/exact-json.ts';
