import type { Hit, Pack, Rule } from './rule.ts';
import { matches, shown } from './text.ts';

const MIN_README = 80;
const MAX_ICON_BYTES = 64 * 1024;

const SVG_ACTIVE: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a script', pattern: /<\s*(?:[\w-]{1,20}:)?script\b/giu },
  { what: 'an event handler', pattern: /[\s"'/]on[a-z]{3,20}\s*=/giu },
  {
    what: 'HTML',
    pattern: /<\s*(?:[\w-]{1,20}:)?(?:foreignObject|iframe|embed|object|audio|video)\b/giu,
  },
  {
    what: 'a javascript: or data: address',
    pattern: /(?:javascript|vbscript)\s*:|data\s*:\s*text\/html/giu,
  },
  { what: 'a document type or entity', pattern: /<!(?:DOCTYPE|ENTITY)\b/giu },
  { what: 'a style sheet from elsewhere', pattern: /<\?xml-stylesheet|@import\b/giu },
  {
    what: 'an address elsewhere',
    pattern: /\b(?:href|src)\s*=\s*(?:["']\s*)?(?!#|data:image\/(?:png|jpeg|webp);)[^\s"'>]/giu,
  },
  { what: 'an address elsewhere', pattern: /url\(\s*(?:["']\s*)?(?!#)[^\s"')]/giu },
  // `&#106;avascript:` is the same to a browser.
  { what: 'an encoded character', pattern: /&#(?:x[0-9a-f]{1,6}|\d{1,7});/giu },
  {
    what: 'an animation that sets an address',
    pattern: /<\s*(?:animate|set)\b[^>]{0,200}attributeName\s*=\s*["']?(?:xlink:)?href/giu,
  },
];

const isEmpty = (pack: Pack, file: string): boolean => (pack.texts.get(file) ?? '').trim() === '';

function* missing(pack: Pack, file: string): Generator<Hit> {
  if (isEmpty(pack, file)) yield { file, message: 'is missing or empty' };
}

/** What a pack's page and its row in a list show. */
export const PAGE_RULES: readonly Rule[] = [
  {
    id: 'readme-missing',
    severity: 'error',
    doc: 'People decide by the README whether to trust a plugin.',
    cure: 'Write README.md: what it does, what each node takes and gives, why it needs each permission.',
    find: (pack) => missing(pack, 'README.md'),
  },
  {
    id: 'readme-short',
    severity: 'advice',
    doc: 'A README of a line or two leaves people guessing.',
    cure: 'Say what each node takes and gives, and why each permission is needed.',
    *find(pack) {
      const { length } = (pack.texts.get('README.md') ?? '').trim();
      if (length > 0 && length < MIN_README)
        yield { file: 'README.md', message: `has only ${String(length)} characters` };
    },
  },
  {
    id: 'readme-remote-image',
    severity: 'advice',
    doc: 'A registry does not load pictures from elsewhere: they would tell a stranger who reads the page.',
    cure: 'Leave the picture out, or put a small SVG of your own as icon.svg.',
    *find({ texts }) {
      const image = /!\[[^\]\n]{0,200}\]\(\s*<?(?:https?:)?\/\/|<img\b[^>\n]{0,200}\bsrc\s*=/giu;
      for (const { line } of matches(texts.get('README.md') ?? '', image))
        yield { file: 'README.md', line, message: 'shows a picture from elsewhere' };
    },
  },
  {
    id: 'template-text',
    severity: 'advice',
    doc: 'Text of the template was left as it was.',
    cure: 'Replace it with your own words.',
    *find({ texts }) {
      for (const { line, match } of matches(texts.get('README.md') ?? '', /\bTODO\b.*/gu))
        yield { file: 'README.md', line, message: `still says “${shown(match[0])}”` };
    },
  },
  {
    id: 'license-missing',
    severity: 'advice',
    doc: 'Without the text of its license nobody knows what they may do.',
    cure: 'Put the text of the license that the manifest names into LICENSE.',
    find: (pack) => missing(pack, 'LICENSE'),
  },
  {
    id: 'icon-missing',
    severity: 'advice',
    doc: 'Without an icon a plugin is hard to find in a list.',
    cure: 'Add icon.svg: square, plain shapes, under 64 KB.',
    *find({ files }) {
      if (!files.has('icon.svg')) yield { file: 'icon.svg', message: 'is missing' };
    },
  },
  {
    id: 'icon-large',
    severity: 'advice',
    doc: 'Lists show many icons at once.',
    cure: 'Draw it with fewer points; no pictures inside.',
    *find({ files }) {
      const size = files.get('icon.svg')?.length ?? 0;
      if (size > MAX_ICON_BYTES)
        yield { file: 'icon.svg', message: `has ${String(Math.round(size / 1024))} KB` };
    },
  },
  {
    id: 'svg-active',
    severity: 'error',
    doc: 'A picture that runs code or loads from elsewhere attacks whoever looks at it.',
    cure: 'Export it as a plain SVG: shapes, fills and gradients only.',
    *find({ files, texts }) {
      for (const file of files.keys()) {
        if (!/\.svgz?$/iu.test(file)) continue;
        const text = texts.get(file);
        if (text === undefined) yield { file, message: 'is no text' };
        for (const { what, pattern } of SVG_ACTIVE)
          for (const { line } of matches(text ?? '', pattern))
            yield { file, line, message: `holds ${what}` };
      }
    },
  },
];
