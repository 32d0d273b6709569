import semver from 'semver';
import type { Manifest } from '../contract/index.ts';
import { MANIFEST, type Hit, type Pack, type Rule } from './rule.ts';
import { distance, shown } from './text.ts';

/** Namespaces that belong to the hub itself, and words that only it may claim. */
const OURS = ['core', 'hub', 'runtime-hub'];
const CLAIMS = /\b(?:official|verified|certified|trusted by|endorsed|built[- ]in)\b/iu;
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029\u115F\u1160\u2800\u3164\uFFA0]/u;
const MARKUP =
  /<\/?[a-z!][^>]{0,200}>|&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8});|\]\(|https?:\/\//iu;

/** Every text of a manifest that people read, and where it is. */
function* textsOf(manifest: Manifest): Generator<readonly [at: string, text: string]> {
  yield ['/title', manifest.title];
  yield ['/description', manifest.description];
  yield ['/license', manifest.license];
  for (const [index, { reason }] of manifest.permissions.entries())
    yield [`/permissions/${String(index)}/reason`, reason];
  for (const [index, node] of manifest.nodes.entries()) {
    yield [`/nodes/${String(index)}/title`, node.title];
    yield [`/nodes/${String(index)}/description`, node.description];
  }
}

function* eachText({ manifest }: Pack, say: (text: string) => string | null): Generator<Hit> {
  for (const [at, text] of textsOf(manifest)) {
    const message = say(text);
    if (message !== null) yield { file: MANIFEST, message: `${at} ${message}` };
  }
}

/** As people see a name: look-alike letters and signs that are overlooked are one. */
function folded(name: string): string {
  return name
    .replaceAll('-', '')
    .replaceAll('0', 'o')
    .replaceAll(/[1i]/gu, 'l')
    .replaceAll('3', 'e')
    .replaceAll('5', 's')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll('cl', 'd');
}

/** The other's id that this one may be taken for; null when there is none. */
function lookAlike(id: string, others: readonly string[]): string | null {
  const [namespace = '', name = ''] = id.split('/');
  const isNear = (one: string, two: string): boolean =>
    folded(one) === folded(two) || (one.length > 4 && distance(one, two, 1) <= 1);
  return (
    others.find((other) => {
      const [space = '', called = ''] = other.split('/');
      if (space === namespace) return false;
      return isNear(namespace, space) && (called === '' || isNear(name, called));
    }) ?? null
  );
}

export const MANIFEST_RULES: readonly Rule[] = [
  {
    id: 'text-hidden',
    severity: 'error',
    doc: 'Control, bidirectional and invisible characters make an admin read something else than was written.',
    cure: 'Write plain text on one line.',
    find: (pack) =>
      eachText(pack, (text) => (HIDDEN.test(text) ? 'holds hidden characters' : null)),
  },
  {
    id: 'text-markup',
    severity: 'error',
    doc: 'Texts are shown as they are; markup and links in them only serve to deceive.',
    cure: 'Write plain words; links belong in the README.',
    find: (pack) => eachText(pack, (text) => (MARKUP.test(text) ? 'holds markup or a link' : null)),
  },
  {
    id: 'text-claim',
    severity: 'review',
    doc: 'What a plugin says of its own trustworthiness is no proof of it.',
    cure: 'Say what it does.',
    *find(pack) {
      if (pack.manifest.id.startsWith('core/')) return;
      yield* eachText(pack, (text) => {
        const claim = CLAIMS.exec(text)?.[0];
        return claim === undefined ? null : `claims “${shown(claim)}”`;
      });
    },
  },
  {
    id: 'name-look-alike',
    severity: 'review',
    doc: 'A name that is easily taken for another’s leads people to the wrong plugin.',
    cure: 'Choose a name of your own.',
    *find({ manifest: { id }, surroundings: { knownIds = [] } }) {
      const taken = lookAlike(id, [...OURS, ...knownIds]);
      if (taken !== null) yield { file: MANIFEST, message: `${id} looks like ${shown(taken)}` };
    },
  },
  {
    id: 'engine-open',
    severity: 'advice',
    doc: 'A plugin that says it fits every hub will one day not.',
    cure: 'Name the range you tested, e.g. ^1.0.0.',
    *find({ manifest: { engine } }) {
      if (semver.satisfies('999.0.0', engine))
        yield { file: MANIFEST, message: `/engine “${shown(engine)}” has no upper end` };
    },
  },
  {
    id: 'runtime-driver',
    severity: 'review',
    doc: 'The driver runtime holds a device and has the weakest jail.',
    cure: 'Use isolate or process unless a device must be held.',
    *find({ manifest: { runtime } }) {
      if (runtime === 'driver') yield { file: MANIFEST, message: '/runtime is driver' };
    },
  },
];
