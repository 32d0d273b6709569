import { Hono } from 'hono';
import semver from 'semver';
import { ResolveRequest } from '@runtime-hub/plugin-sdk/contract';
import { bodyReader, invalid, jsonReply, keep, keptReply, notFound } from '../http/index.ts';
import { versionOf, type Parts } from '../parts.ts';
import { createRecords } from './records.ts';
import { createSearch, parseQuestion } from './search.ts';

const readResolve = bodyReader(ResolveRequest);

/** What can be found and fetched. */
export function catalogRoutes(parts: Parts): Hono {
  const app = new Hono();
  const { access } = parts;
  const records = createRecords(parts);
  const search = createSearch(parts);
  parts.onChange(({ plugin }) => {
    records.forget(plugin);
    search.forget();
  });
  parts.downloads.onFlush((plugins) => {
    for (const plugin of plugins) records.forget(plugin);
    search.forget();
  });
  app.get('/v1/plugins', (context) => {
    const readable = access.readable(parts.caller(context));
    return keptReply(context.req.raw, search.page(parseQuestion(context.req.query(), readable)));
  });
  app.get('/v1/plugins/:namespace/:name', (context) => {
    const { namespace, name } = context.req.param();
    access.requireRead(parts.caller(context), namespace, 'plugin');
    const record = records.plugin(`${namespace}/${name}`);
    if (record === null) throw notFound('plugin');
    return keptReply(context.req.raw, record);
  });
  app.get('/v1/plugins/:namespace/:name/:version', (context) => {
    const { row } = versionOf(parts, context);
    return keptReply(context.req.raw, keep(records.version(row)));
  });
  app.post('/v1/resolve', async (context) => {
    const { plugins } = await readResolve(context.req.raw);
    const caller = parts.caller(context);
    const readable = new Set(access.readable(caller));
    return jsonReply({ plugins: plugins.map((it) => resolve(parts, it, readable)) });
  });
  return app;
}

/** The newest active version in a range; both null when there is none the caller may read. */
function resolve(
  { store }: Parts,
  { id, range }: { readonly id: string; readonly range: string },
  readable: ReadonlySet<string>,
): { readonly id: string; readonly version: string | null; readonly digest: string | null } {
  if (semver.validRange(range) === null) throw invalid('range', 'is no semver range');
  const namespace = store.namespaces.get(id.slice(0, id.indexOf('/')));
  const isReadable =
    namespace !== null && (namespace.visibility === 'public' || readable.has(namespace.name));
  const fits = isReadable ? store.versions.active(id) : [];
  const version = semver.maxSatisfying(
    fits.map((it) => it.version),
    range,
  );
  const digest = fits.find((it) => it.version === version)?.digest ?? null;
  return { id, version, digest };
}
