import {
  CAPABILITIES,
  covers,
  isTarget,
  parseRegion,
  type CapabilityName,
  type Need,
} from '@runtime-hub/plugin-sdk/contract';

/** So many of a kind stand for all of that kind. */
const SIBLINGS = 3;
/** More than so many targets are no list that somebody reads: the grant stays as it is. */
const MOST_TARGETS = 100;
const MAX_TARGET_LENGTH = 512;
const MIN_PREFIX_LENGTH = 4;

/**
 * The narrowest targets that cover everything in `used` and lie within `held`, as far as a person would write them:
 * three siblings become `*.domain`, `folder/*` or a title's beginning, regions the rectangle around them.
 */
export function narrowTargets(held: Need, used: readonly string[]): readonly string[] {
  const { capability } = held;
  const within = (target: string): boolean => {
    const need = { capability, target };
    return target.length <= MAX_TARGET_LENGTH && isTarget(need) && covers(held, need);
  };
  const exact = [...new Set(used)];
  const grouped = (GROUPS[CAPABILITIES[capability].target]?.(exact) ?? []).filter(within);
  const left = exact.filter((it) => !isCovered(capability, grouped, it));
  const all = [...new Set([...grouped, ...left])];
  const targets = all.filter(
    (it) =>
      !isCovered(
        capability,
        all.filter((one) => one !== it),
        it,
      ),
  );
  const fits = targets.length <= MOST_TARGETS && targets.every(within);
  return fits ? targets.toSorted() : [held.target];
}

const isCovered = (
  capability: CapabilityName,
  targets: readonly string[],
  target: string,
): boolean => targets.some((it) => covers({ capability, target: it }, { capability, target }));

type Grouping = (targets: readonly string[]) => readonly string[];

const GROUPS: Readonly<Partial<Record<string, Grouping>>> = {
  host: (hosts) => siblings(hosts, parentDomain),
  path: (paths) => [...siblings(paths, parentFolder), ...commonFolders(paths)],
  area: (areas) => [...boundingBox(areas), ...titlePrefixes(areas)],
};

/** What enough different targets have as their one `parentOf`. */
function siblings(
  targets: readonly string[],
  parentOf: (target: string) => string | null,
): readonly string[] {
  const counts = new Map<string, number>();
  for (const target of targets) {
    const parent = parentOf(target);
    if (parent !== null) counts.set(parent, (counts.get(parent) ?? 0) + 1);
  }
  return [...counts].flatMap(([parent, count]) => (count >= SIBLINGS ? [parent] : []));
}

/** Where anybody can have a host: no pattern is proposed for all below them. */
const SHARED_DOMAINS =
  /(?:^|\.)(?:github\.io|gitlab\.io|herokuapp\.com|vercel\.app|netlify\.app|pages\.dev|workers\.dev|web\.app|firebaseapp\.com|cloudfront\.net|azurewebsites\.net|windows\.net|amazonaws\.com|googleapis\.com|fly\.dev|onrender\.com|ngrok\.io|ngrok-free\.app|blogspot\.com)$/u;
/** Public suffixes of two parts, such as co.uk and com.au, and all of one. */
const SUFFIX = /^(?:[^.]+|[a-z]{2,3}\.[a-z]{2})$/u;

function parentDomain(host: string): string | null {
  const match = /^(http:\/\/)?[^.[\]:]+\.([^[\]:]+?)(:\d+)?$/u.exec(host);
  const domain = match?.[2] ?? '';
  const isNumeric = /^[\d.]+$/u.test(domain);
  if (match === null || isNumeric || SUFFIX.test(domain) || SHARED_DOMAINS.test(domain))
    return null;
  return `${match[1] ?? ''}*.${domain}${match[3] ?? ''}`;
}

function parentFolder(path: string): string | null {
  const folder = folderOf(path);
  return depthOf(folder) >= 1 ? `${folder}/*` : null;
}

/** Folders that enough others lie in, of which something is used; again for the folders so found. */
function commonFolders(paths: readonly string[]): readonly string[] {
  const found: string[] = [];
  let folders = new Set(paths.map(folderOf));
  while (folders.size >= SIBLINGS) {
    const above = siblings([...folders], (it) =>
      depthOf(folderOf(it)) >= (it.startsWith('~') ? 1 : 2) ? folderOf(it) : null,
    );
    found.push(...above.map((folder) => `${folder}/**`));
    folders = new Set(above);
  }
  return found;
}

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
/** Folders below the root, the home or the drive. */
const depthOf = (folder: string): number => folder.split('/').length - 1;

function boundingBox(areas: readonly string[]): readonly string[] {
  const regions = areas.map(parseRegion).filter((it) => it !== null);
  if (regions.length < 2) return [];
  const left = Math.min(...regions.map((it) => it.x));
  const top = Math.min(...regions.map((it) => it.y));
  const right = Math.max(...regions.map((it) => it.x + it.width));
  const bottom = Math.max(...regions.map((it) => it.y + it.height));
  return [`region=${[left, top, right - left, bottom - top].join(',')}`];
}

function titlePrefixes(areas: readonly string[]): readonly string[] {
  const byFirstWord = new Map<string, string[]>();
  for (const area of areas) {
    if (!area.startsWith('window=')) continue;
    const title = area.slice('window='.length);
    const word = title.split(/[\s:|–—-]/u)[0] ?? '';
    byFirstWord.set(word, [...(byFirstWord.get(word) ?? []), title]);
  }
  return [...byFirstWord.values()].flatMap((titles) => {
    const prefix = titles.length < SIBLINGS ? '' : titles.reduce(commonStart);
    return prefix.length < MIN_PREFIX_LENGTH ? [] : [`window=${prefix}*`];
  });
}

function commonStart(one: string, other: string): string {
  const [a, b] = [Array.from(one), Array.from(other)];
  const end = a.findIndex((letter, index) => letter !== b[index]);
  return a
    .slice(0, end === -1 ? a.length : end)
    .join('')
    .replace(/\*+$/u, '');
}
