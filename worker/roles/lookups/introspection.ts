// What a server knows of a lookup, over HTTP, as Druid's servers tell it: entries, keys, values.

import {
  type HttpRequest,
  type HttpResponse,
  jsonResponse,
} from '../../../core/runtime/http-message.ts';
import type { Route } from '../../../core/runtime/http-router.ts';
import type { LookupRegistry } from './lookup-registry.ts';

type Show = (entries: Readonly<Record<string, string>>) => unknown;

/** Routes of a broker or data node. */
export function lookupIntrospection(registry: LookupRegistry): readonly Route[] {
  const route = (end: string, show: Show): Route => ({
    method: 'GET',
    path: `/druid/v1/lookups/introspect/:name${end}`,
    handler: (request) => answer(registry, request, show),
  });
  return [
    route('', (entries) => entries),
    route('/keys', (entries) => Object.keys(entries)),
    route('/values', (entries) => Object.values(entries)),
  ];
}

function answer(registry: LookupRegistry, request: HttpRequest, show: Show): HttpResponse {
  const name = request.params['name'] ?? '';
  const entries = registry.entries(name);
  return entries === undefined
    ? jsonResponse(404, { error: `lookup [${name}] not found` })
    : jsonResponse(200, show(entries));
}
