// Read endpoints of the coordinator that Druid's tools ask. Source: druid-query-api.md 15.3.

import { jsonResponse } from '../../core/runtime/http-message.ts';
import type { Route } from '../../core/runtime/http-router.ts';
import type { Coordinator } from './coordinator.ts';

/** Routes over the coordinator's live copy. */
export function coordinatorRoutes(
  coordinator: Coordinator,
  isLeader: () => boolean = () => true,
): readonly Route[] {
  const used = (): readonly { dataSource: string; id: string; size: number; segment: unknown }[] =>
    [...(coordinator.fleet?.segments.values() ?? [])]
      .filter(({ value }) => value.state === 'used')
      .map(({ value, dataSource }) => ({
        dataSource,
        id: value.segment.identifier,
        size: value.segment.size,
        segment: value.segment,
      }));
  const names = (): string[] =>
    [...new Set(used().map((s) => s.dataSource))].toSorted((a, b) => (a < b ? -1 : 1));
  return [
    {
      method: 'GET',
      path: '/druid/coordinator/v1/isLeader',
      // Druid's own answer of one that does not lead is 404, so that load balancers pick the one that does.
      handler: () => jsonResponse(isLeader() ? 200 : 404, { leader: isLeader() }),
    },
    {
      method: 'GET',
      path: '/druid/coordinator/v1/datasources',
      handler: () => jsonResponse(200, names()),
    },
    {
      method: 'GET',
      path: '/druid/coordinator/v1/metadata/datasources',
      handler: () => jsonResponse(200, names()),
    },
    {
      method: 'GET',
      path: '/druid/coordinator/v1/metadata/datasources/:name/segments',
      handler: (request) => {
        const own = used().filter((s) => s.dataSource === request.params['name']);
        return jsonResponse(
          200,
          request.query.has('full') ? own.map((s) => s.segment) : own.map((s) => s.id),
        );
      },
    },
    {
      method: 'GET',
      path: '/druid/coordinator/v1/loadstatus',
      handler: () => jsonResponse(200, loadStatus(coordinator, names())),
    },
    {
      method: 'GET',
      path: '/druid/coordinator/v1/servers',
      handler: () =>
        jsonResponse(
          200,
          [...(coordinator.fleet?.servers.values() ?? [])].map((s) => s.address),
        ),
    },
  ];
}

/** Percent of used segments that a historical serves, by data source. */
function loadStatus(coordinator: Coordinator, names: readonly string[]): Record<string, number> {
  const { fleet, lastPlan } = coordinator;
  return Object.fromEntries(
    names.map((name) => {
      const all = [...(fleet?.segments.values() ?? [])].filter(
        (s) => s.dataSource === name && s.value.state === 'used',
      ).length;
      const missing = lastPlan.unavailable.get(name) ?? 0;
      return [name, all === 0 ? 100 : (100 * (all - missing)) / all];
    }),
  );
}
