import type { DocumentName } from '../store/index.ts';

const MAX_TEXT_BYTES = 256 * 1024;
const MAX_ICON_BYTES = 64 * 1024;

const NAMES = [
  { name: 'readme', file: 'README.md', type: 'text/markdown', maxBytes: MAX_TEXT_BYTES },
  { name: 'changelog', file: 'CHANGELOG.md', type: 'text/markdown', maxBytes: MAX_TEXT_BYTES },
  { name: 'icon', file: 'icon.svg', type: 'image/svg+xml', maxBytes: MAX_ICON_BYTES },
  { name: 'icon', file: 'icon.png', type: 'image/png', maxBytes: MAX_ICON_BYTES },
] as const;

export interface DocumentFile {
  readonly name: DocumentName;
  readonly type: string;
  readonly content: Uint8Array;
}

/** What a version's page shows, of an artifact's files; what is too large is left out. */
export function documentsOf(files: ReadonlyMap<string, Uint8Array>): readonly DocumentFile[] {
  const found = new Map<DocumentName, DocumentFile>();
  for (const { name, file, type, maxBytes } of NAMES) {
    const content = files.get(file);
    if (content === undefined || content.length > maxBytes || found.has(name)) continue;
    found.set(name, { name, type, content });
  }
  return [...found.values()];
}
