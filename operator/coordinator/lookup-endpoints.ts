// Druid's coordinator endpoints for lookups: read and write what queries may name. Every broker and data node follows
// the store, so a write is loaded within moments. Source: Druid's lookup API, recorded in test/druid/cluster-recorded.

import { CODECS } from '../../core/metadata/codecs.ts';
import { lookupKey, LOOKUPS, parseKey } from '../../core/metadata/keys.ts';
import { MAX_VALUE_BYTES, type MetadataStore } from '../../core/metadata/port.ts';
import type { LookupRecord } from '../../core/metadata/values.ts';
import { Failure, messageOf } from '../../core/runtime/failure.ts';
import {
  type HttpRequest,
  type HttpResponse,
  jsonResponse,
} from '../../core/runtime/http-message.ts';
import type { Route } from '../../core/runtime/http-router.ts';
import { invalid, lookupJson, parseLookup, replaces } from './lookup-definition.ts';

const ROOT = '/druid/coordinator/v1/lookups';
/** Longest body: a few lookups of the greatest size. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;

type ByTier = ReadonlyMap<string, ReadonlyMap<string, LookupRecord>>;

/** Routes over the store. */
export function lookupRoutes(store: MetadataStore): readonly Route[] {
  const get = (path: string, handler: Route['handler']): Route => ({
    method: 'GET',
    path: ROOT + path,
    handler: guarded(handler),
  });
  const write = (method: 'POST' | 'DELETE', path: string, handler: Route['handler']): Route => ({
    method,
    path: ROOT + path,
    handler: guarded(handler),
    bodyBytesMax: BODY_BYTES_MAX,
  });
  return [
    get('/config', async () => jsonResponse(200, [...(await lookups(store)).keys()])),
    get('/config/all', async () => jsonResponse(200, shown(await lookups(store), lookupJson))),
    get('/config/:tier', async (request) => {
      const own = (await lookups(store)).get(tierOf(request));
      if (own === undefined) return missingTier(request);
      return jsonResponse(
        200,
        request.query.get('detailed') === 'true' ? shownTier(own, lookupJson) : [...own.keys()],
      );
    }),
    get('/config/:tier/:name', (request) => one(store, request, lookupJson)),
    write('POST', '/config', (request) => updateAll(store, request)),
    write('POST', '/config/:tier/:name', async (request) => {
      const { tier, name } = namesOf(request);
      await put(store, tier, name, parseLookup(tier, name, bodyOf(request)));
      return { status: 202 };
    }),
    write('DELETE', '/config/:tier/:name', async (request) => {
      const { tier, name } = namesOf(request);
      const key = lookupKey(tier, name);
      if ((await store.get(key)) === undefined) return { status: 404 };
      await store.transact({ compare: [], writes: [{ delete: key }] });
      return { status: 202 };
    }),
    write('DELETE', '/config/:tier', async (request) => {
      const tier = tierOf(request);
      if (!(await lookups(store)).has(tier)) return { status: 404 };
      await store.transact({ compare: [], writes: [{ deletePrefix: lookupKey(tier) }] });
      return { status: 202 };
    }),
    get('/status', async () => jsonResponse(200, shown(await lookups(store), isLoaded))),
    get('/status/:tier', async (request) => {
      const own = (await lookups(store)).get(tierOf(request));
      return own === undefined ? missingTier(request) : jsonResponse(200, shownTier(own, isLoaded));
    }),
    get('/status/:tier/:name', (request) => one(store, request, isLoaded)),
  ];
}

/** Servers follow the store: what is stored is loaded. */
const isLoaded = (): object => ({ loaded: true });

/** Errors as Druid's coordinator writes them. */
function guarded(handler: Route['handler']): Route['handler'] {
  return async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      if (error instanceof Failure && error.kind === 'input')
        return jsonResponse(400, { error: error.message });
      throw error;
    }
  };
}

async function lookups(store: MetadataStore): Promise<ByTier> {
  const tiers = new Map<string, Map<string, LookupRecord>>();
  for (const { key, value } of (await store.list(LOOKUPS)).entries) {
    const parsed = parseKey(key);
    if (parsed.type !== 'lookup') continue;
    const tier = tiers.get(parsed.tier) ?? new Map<string, LookupRecord>();
    tier.set(parsed.name, CODECS.lookup.decode(value, key));
    tiers.set(parsed.tier, tier);
  }
  return tiers;
}

function shown(tiers: ByTier, show: (record: LookupRecord) => object): object {
  return Object.fromEntries([...tiers].map(([tier, own]) => [tier, shownTier(own, show)]));
}

function shownTier(
  own: ReadonlyMap<string, LookupRecord>,
  show: (record: LookupRecord) => object,
): object {
  return Object.fromEntries([...own].map(([name, record]) => [name, show(record)]));
}

async function one(
  store: MetadataStore,
  request: HttpRequest,
  show: (record: LookupRecord) => object,
): Promise<HttpResponse> {
  const { tier, name } = namesOf(request);
  const key = lookupKey(tier, name);
  const entry = await store.get(key);
  return entry === undefined
    ? jsonResponse(404, { error: `lookup [${name}] not found` })
    : jsonResponse(200, show(CODECS.lookup.decode(entry.value, key)));
}

/** Everything is checked before anything is written; each lookup is written by itself. */
async function updateAll(store: MetadataStore, request: HttpRequest): Promise<HttpResponse> {
  const body = bodyOf(request);
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalid('expected an object of tiers');
  const wanted = Object.entries(body).flatMap(([tier, own]: [string, unknown]) =>
    Object.entries(typeof own === 'object' && own !== null ? own : {}).map(
      ([name, value]: [string, unknown]) => ({
        tier,
        name,
        record: parseLookup(tier, name, value),
      }),
    ),
  );
  for (const { tier, name, record } of wanted) await put(store, tier, name, record);
  return jsonResponse(202, body);
}

async function put(
  store: MetadataStore,
  tier: string,
  name: string,
  record: LookupRecord,
): Promise<void> {
  const at = `lookup [${tier}]:[${name}]`;
  const key = lookupKey(tier, name);
  const value = CODECS.lookup.encode(record);
  if (Buffer.byteLength(value) > MAX_VALUE_BYTES) {
    throw invalid(
      `${at}: its entries take ${Buffer.byteLength(value)} bytes, at most ${MAX_VALUE_BYTES} are kept; split it, or join with a query on a table`,
    );
  }
  const known = await store.get(key);
  if (known !== undefined) {
    const old = CODECS.lookup.decode(known.value, key);
    if (!replaces(record, old)) {
      throw invalid(
        `given update for lookup ${at.slice(7)} can't replace existing spec of version '${old.version}'; give a greater version`,
      );
    }
  }
  const { committed } = await store.transact({
    compare: [{ key, modRevision: known?.modRevision ?? 0 }],
    writes: [{ put: key, value }],
  });
  if (!committed) throw invalid(`${at}: it was changed at the same time; read it and try again`);
}

function bodyOf(request: HttpRequest): unknown {
  try {
    return JSON.parse(Buffer.from(request.body).toString('utf8'));
  } catch (error) {
    throw invalid(`the body is not JSON: ${messageOf(error)}`);
  }
}

function tierOf(request: HttpRequest): string {
  return request.params['tier'] ?? '';
}

function namesOf(request: HttpRequest): { readonly tier: string; readonly name: string } {
  return { tier: tierOf(request), name: request.params['name'] ?? '' };
}

function missingTier(request: HttpRequest): HttpResponse {
  return jsonResponse(404, { error: `Tier [${tierOf(request)}] not found` });
}
