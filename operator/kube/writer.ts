// Every write to the API server: server-side apply with one field manager, status with another, deletes that name the
// uid. Nothing is sent when nothing changed, and nothing when this process no longer leads. Used by reconcile steps.
// Source: operator.md B2, B6, B14, 3.2.6.

import { Failure } from '../../core/runtime/failure.ts';
import { hasCode } from './classify.ts';
import type { KubeClient } from './client.ts';
import { isSatisfied } from './compare.ts';
import { controllerOf, type KubeObject } from './object.ts';
import { objectPath, type Resource } from './resource.ts';

const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';

/** What a writer works with. */
export interface WriterOptions {
  readonly client: KubeClient;
  /** Field manager; `<manager>-status` writes status. */
  readonly manager: string;
  /** False: no write is sent any more. */
  readonly mayWrite: () => boolean;
}

/** Writes objects. All methods throw Failure `fenced` NotLeader when {@link WriterOptions.mayWrite} says no. */
export class Writer {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** The object as the server has it now, no cache between. */
  async read(
    resource: Resource,
    at: { readonly namespace: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<KubeObject | undefined> {
    try {
      const path = objectPath(resource, at);
      return (await this.#options.client.call({ method: 'GET', path }, signal)) as KubeObject;
    } catch (error) {
      if (hasCode(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /**
   * Makes a child as wanted. `known` is the cached object; without one the server is asked first, because the cache may
   * be behind and because a namesake of somebody else must not be taken over.
   *
   * @returns whether something was written
   * @throws Failure `config` NameTaken when another owner has the name
   */
  async apply(
    resource: Resource,
    wanted: KubeObject,
    known: KubeObject | undefined,
    signal: AbortSignal,
  ): Promise<'unchanged' | 'created' | 'changed'> {
    const at = { namespace: wanted.metadata.namespace ?? '', name: wanted.metadata.name };
    const current = known ?? (await this.read(resource, at, signal));
    if (current !== undefined) {
      const owner = controllerOf(current);
      if (owner?.uid !== controllerOf(wanted)?.uid)
        throw new Failure(
          'config',
          'NameTaken',
          `${resource.kind} ${at.namespace}/${at.name} exists and belongs to ${owner === undefined ? 'nobody' : `${owner.kind} ${owner.name}`}; delete or rename it`,
        );
      if (isSatisfied(wanted, current)) return 'unchanged';
    }
    // With the uid the apply changes the object that was judged, never a namesake made in between.
    const uid = current?.metadata.uid;
    const body = uid === undefined ? wanted : { ...wanted, metadata: { ...wanted.metadata, uid } };
    await this.#patch(objectPath(resource, at), body, this.#options.manager, signal);
    return current === undefined ? 'created' : 'changed';
  }

  /**
   * Asks the server whether it would make an object, without making it.
   *
   * @throws Failure with the server's reason; `config` Invalid when it would not
   */
  async check(resource: Resource, wanted: KubeObject, signal: AbortSignal): Promise<void> {
    const { namespace = '', name } = wanted.metadata;
    // Under another name: the object itself is there, and cannot be changed into the wanted one.
    const metadata = { ...wanted.metadata, name: `${name.slice(0, 56)}-check` };
    const body = { ...wanted, metadata };
    const path = objectPath(resource, { namespace, name: metadata.name });
    await this.#patch(path, body, this.#options.manager, signal, { dryRun: 'All' });
  }

  /** Writes the status unless it says the same already. Whole: what is not given is given up. */
  async status(
    resource: Resource,
    object: KubeObject,
    status: object,
    signal: AbortSignal,
  ): Promise<'unchanged' | 'changed'> {
    if (isSatisfied(status, object['status']) && isSatisfied(object['status'] ?? {}, status))
      return 'unchanged';
    const { namespace = '', name, uid } = object.metadata;
    const body = {
      apiVersion: object.apiVersion,
      kind: object.kind,
      metadata: { namespace, name, ...(uid === undefined ? {} : { uid }) },
      status,
    };
    const path = objectPath(resource, { namespace, name }, 'status');
    await this.#patch(path, body, `${this.#options.manager}-status`, signal);
    return 'changed';
  }

  /** Sets the finalizers of an object, if it is still the version that was read: 409 else. */
  async finalizers(
    resource: Resource,
    object: KubeObject,
    finalizers: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    this.#guard();
    const { namespace = '', name, uid, resourceVersion } = object.metadata;
    await this.#options.client.call(
      {
        method: 'PATCH',
        path: objectPath(resource, { namespace, name }),
        query: { fieldManager: this.#options.manager },
        contentType: MERGE,
        body: { metadata: { uid, resourceVersion, finalizers } },
      },
      signal,
    );
  }

  /** Deletes exactly this object. Gone already, or another of the same name by now: nothing to do. */
  async delete(
    resource: Resource,
    object: KubeObject,
    options: { readonly graceSeconds?: number },
    signal: AbortSignal,
  ): Promise<void> {
    this.#guard();
    const { namespace = '', name, uid } = object.metadata;
    try {
      await this.#options.client.call(
        {
          method: 'DELETE',
          path: objectPath(resource, { namespace, name }),
          body: {
            apiVersion: 'v1',
            kind: 'DeleteOptions',
            preconditions: { uid },
            ...(options.graceSeconds === undefined
              ? {}
              : { gracePeriodSeconds: options.graceSeconds }),
          },
        },
        signal,
      );
    } catch (error) {
      if (!hasCode(error, 'NotFound', 'Conflict')) throw error;
    }
  }

  async #patch(
    path: string,
    body: unknown,
    fieldManager: string,
    signal: AbortSignal,
    more: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    this.#guard();
    await this.#options.client.call(
      {
        method: 'PATCH',
        path,
        query: { fieldManager, force: 'true', fieldValidation: 'Strict', ...more },
        contentType: APPLY,
        body,
      },
      signal,
    );
  }

  #guard(): void {
    if (!this.#options.mayWrite())
      throw new Failure('fenced', 'NotLeader', 'another operator leads; this one writes nothing');
  }
}
