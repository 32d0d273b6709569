import { PLAIN } from '../http/index.ts';
import { escapeHtml } from './markdown.ts';

/** Nothing runs, nothing is loaded from elsewhere, nobody frames it. */
export const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/** For what an author wrote: as above, and with an origin of its own. */
export const AUTHOR_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; sandbox";

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 48rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.5rem } code { font-size: .9em }
form { display: flex; gap: .5rem; margin: 1rem 0 } input { flex: 1 } input, button { font: inherit; padding: .4rem .6rem }
ul { list-style: none; padding: 0 } li { padding: .6rem 0; border-top: 1px solid #8884 } small { opacity: .75 }`;

/** A whole page; `body` is HTML, `title` text. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body>
${body}
</body>
</html>
`;
}

export function pageReply(
  html: string,
  policy: string,
  more: Readonly<Record<string, string>> = {},
): Response {
  return new Response(html, {
    headers: {
      ...PLAIN,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'referrer-policy': 'no-referrer',
      ...more,
    },
  });
}
