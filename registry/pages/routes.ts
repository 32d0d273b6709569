import { hash } from 'node:crypto';
import { Hono, type Context } from 'hono';
import type { SearchPage } from '@runtime-hub/plugin-sdk/contract';
import { parseQuestion } from '../catalog/index.ts';
import { immutableReply, notFound } from '../http/index.ts';
import { requireHandedOut, versionOf, type Parts } from '../parts.ts';
import { readSettings } from '../settings.ts';
import type { DocumentName } from '../store/index.ts';
import { escapeHtml, renderMarkdown } from './markdown.ts';
import { AUTHOR_POLICY, PAGE_POLICY, page, pageReply } from './page.ts';

type Item = SearchPage['items'][number];

/** What people read: the first page, and what a version says of itself. */
export function pageRoutes(parts: Parts): Hono {
  const app = new Hono();
  app.get('/', (context) =>
    pageReply(frontPage(parts, context), PAGE_POLICY, { 'cache-control': 'no-cache' }),
  );
  for (const name of ['readme', 'changelog'] as const)
    app.get(`/v1/plugins/:namespace/:name/:version/${name}`, (context) => {
      const found = documentOf(parts, context, name);
      const html = (): string =>
        page(`${found.title}: ${name}`, renderMarkdown(found.content.toString('utf8')));
      return immutableReply(context.req.raw, found.tag, found.scope, html, {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': AUTHOR_POLICY,
      });
    });
  app.get('/v1/plugins/:namespace/:name/:version/icon', (context) => {
    const found = documentOf(parts, context, 'icon');
    return immutableReply(
      context.req.raw,
      found.tag,
      found.scope,
      () => new Uint8Array(found.content),
      {
        'content-type': found.type,
        'content-security-policy': AUTHOR_POLICY,
        'content-disposition': 'attachment; filename="icon"',
      },
    );
  });
  return app;
}

function documentOf(parts: Parts, context: Context, name: DocumentName) {
  const { row, namespace } = versionOf(parts, context);
  requireHandedOut(parts, context, row);
  const found = parts.store.documents.get(row.key, name);
  if (found === null) throw notFound(name);
  const tag = `"${hash('sha256', found.content, 'base64url').slice(0, 22)}"`;
  return { ...found, tag, scope: namespace.visibility, title: `${row.plugin} ${row.version}` };
}

/** What is public of the catalog, for a browser without scripts. */
function frontPage({ store, log }: Parts, context: Context): string {
  const { q = '' } = context.req.query();
  const { title } = readSettings(store);
  const items = store.listed.find({ ...parseQuestion({ q, limit: '50' }, []) });
  // SAFETY: `relist` wrote each item.
  const rows = items.map(({ item, downloads }) =>
    rowOf({ ...(JSON.parse(item) as Item), downloads }),
  );
  const none = '<li>Nothing is listed here yet.</li>';
  return page(
    title,
    `<h1>${escapeHtml(title)}</h1>
<p><small>Log <code>${escapeHtml(log.origin)}</code>, ${String(log.size())} entries, key
<code>${log.fingerprint}</code></small></p>
<form action="/" method="get"><input name="q" value="${escapeHtml(q)}" maxlength="200" aria-label="Search plugins">
<button>Search</button></form>
<ul>
${rows.length === 0 ? none : rows.join('\n')}
</ul>`,
  );
}

function rowOf({
  id,
  version,
  title,
  description,
  downloads,
  capabilities,
  runtime,
}: Item): string {
  const asks =
    capabilities.length === 0 ? 'asks for nothing' : `asks for ${capabilities.join(', ')}`;
  return `<li><a href="/v1/plugins/${id}/${version}/readme">${escapeHtml(title)}</a> <code>${id}</code> ${version}<br>
${escapeHtml(description)}<br><small>${runtime}, ${asks}, ${String(downloads)} downloads</small></li>`;
}
