// Which handler answers a method and path. Patterns are literal segments and `:name` parameters; a trailing
// slash is the same path (clients use both). Pure; used by http-server.ts.

import type { HttpRequest, HttpResponse } from './http-message.ts';

/** Methods that routes answer; HEAD is answered by GET routes without the body. */
export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** One route. */
export interface Route {
  readonly method: HttpMethod;
  /** Such as `/druid/v2/:id`. */
  readonly path: string;
  readonly handler: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;
  /** Media types accepted as body (parameters ignored); others, or a body with no type, get 415. Default: any. */
  readonly accepts?: readonly string[];
  /** Longest body, bytes, after inflating; more gets 413. Default 64 KiB. */
  readonly bodyBytesMax?: number;
}

/** What a path leads to. */
export type RouteMatch =
  | {
      readonly kind: 'found';
      readonly route: Route;
      readonly params: Readonly<Record<string, string>>;
    }
  /** The path exists for other methods. */
  | { readonly kind: 'wrong-method'; readonly allowed: readonly HttpMethod[] }
  | { readonly kind: 'none' };

/** Builds the look-up. Literal segments win over parameters; earlier routes over later ones. */
export function createRouter(
  routes: readonly Route[],
): (method: string, path: string) => RouteMatch {
  const compiled = routes
    .map((route) => ({ route, parts: split(route.path) }))
    .toSorted((a, b) => parameters(a.parts) - parameters(b.parts));
  return (method, path) => {
    const wanted = method === 'HEAD' ? 'GET' : method;
    const parts = split(path);
    const allowed = new Set<HttpMethod>();
    for (const { route, parts: pattern } of compiled) {
      const params = match(pattern, parts);
      if (params === undefined) continue;
      if (route.method === wanted) return { kind: 'found', route, params };
      allowed.add(route.method);
    }
    return allowed.size === 0 ? { kind: 'none' } : { kind: 'wrong-method', allowed: [...allowed] };
  };
}

function split(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

function parameters(parts: readonly string[]): number {
  return parts.filter((part) => part.startsWith(':')).length;
}

function match(
  pattern: readonly string[],
  parts: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, expected] of pattern.entries()) {
    const actual = parts[i] ?? '';
    if (!expected.startsWith(':')) {
      if (expected !== actual) return undefined;
      continue;
    }
    try {
      params[expected.slice(1)] = decodeURIComponent(actual);
    } catch {
      return undefined;
    }
  }
  return params;
}
