import {
  CAPABILITIES,
  CAPABILITY_NAMES,
  covers,
  inWords,
  isTarget,
  permissionDiff,
  type Allowance,
  type AuditRecord,
  type Need,
} from '@runtime-hub/plugin-sdk/contract';
import { narrowTargets } from './narrow.ts';

/** One permission that would have been enough, and what was seen. */
export interface ProposedPermission extends Allowance {
  readonly words: string;
  /** Today's grant that it is a part of. */
  readonly within: Allowance;
  readonly uses: number;
  /** The most uses within one second. */
  readonly peakPerSecond: number;
  readonly lastAt: number;
}

/** What was asked for and is not granted today: it takes no part in the proposal. */
export interface BeyondGrants {
  readonly need: string;
  readonly allowed: number;
  readonly refused: number;
}

/** The narrowest grants that would have sufficed for what a plugin did. */
export interface Proposal {
  readonly uses: number;
  readonly permissions: readonly ProposedPermission[];
  /** What of today's grants would be given up, in words. */
  readonly givenUp: readonly string[];
  /** At most 100. */
  readonly beyond: readonly BeyondGrants[];
}

/** Takes in a plugin's records one by one, then proposes. */
export interface Observer {
  add(record: Pick<AuditRecord, 'at' | 'need' | 'decision'>): void;
  propose(): Proposal;
}

/** What of one grant was used: by target, and when. */
interface Used {
  readonly grant: Allowance;
  readonly times: Map<string, number[]>;
  isTooVaried: boolean;
}

const MOST_TARGETS = 10_000;
const MOST_BEYOND = 100;
/** Room above what was seen. */
const HEADROOM = 1.5;
const MAX_RATE = 10_000;
const SECOND_MS = 1000;

/** Observes one plugin, whose live grants are `granted` in the order they are looked up in. */
export function createObserver(granted: readonly Allowance[]): Observer {
  const used: readonly Used[] = granted.map((grant) => ({
    grant,
    times: new Map(),
    isTooVaried: false,
  }));
  const beyond = new Map<string, { allowed: number; refused: number }>();
  let uses = 0;
  return {
    add({ at, need: text, decision }) {
      if (!USES.includes(decision)) return;
      const need = needOf(text);
      const isAllowed = decision === 'allowed';
      const holder = need === null ? undefined : used.find((it) => covers(it.grant, need));
      // A refused “everything” is how a call is recorded whose arguments were wrong.
      const isVague = decision === 'denied' && isWildcard(need);
      if (need === null || holder === undefined || isVague) {
        const seen = beyond.get(text) ?? { allowed: 0, refused: 0 };
        seen[isAllowed ? 'allowed' : 'refused'] += 1;
        if (beyond.has(text) || beyond.size < MOST_BEYOND) beyond.set(text, seen);
        return;
      }
      uses += 1;
      note(holder, need.target, at);
    },
    propose() {
      const permissions = used.flatMap(proposalsFor);
      const { removed, narrowed } = permissionDiff(granted, permissions);
      return {
        uses,
        permissions,
        givenUp: [...removed, ...narrowed].map((it) => it.words),
        beyond: [...beyond].map(([need, counts]) => ({ need, ...counts })),
      };
    },
  };
}

const USES: readonly AuditRecord['decision'][] = ['allowed', 'denied', 'rate-exceeded'];

function needOf(text: string): Need | null {
  const end = text.indexOf(':');
  const capability = CAPABILITY_NAMES.find((name) => name === text.slice(0, end));
  if (capability === undefined) return null;
  const need = { capability, target: text.slice(end + 1) };
  return isTarget(need) ? need : null;
}

function isWildcard(need: Need | null): boolean {
  return need?.target === '*' && CAPABILITIES[need.capability].target !== 'any';
}

function note(used: Used, target: string, at: number): void {
  const times = used.times.get(target);
  if (times !== undefined) times.push(at);
  else if (used.times.size < MOST_TARGETS) used.times.set(target, [at]);
  else used.isTooVaried = true;
}

function proposalsFor({ grant, times, isTooVaried }: Used): readonly ProposedPermission[] {
  const { capability } = grant;
  const targets = isTooVaried ? [grant.target] : narrowTargets(grant, [...times.keys()]);
  if (times.size === 0) return [];
  return targets.map((target) => {
    const of = [...times].filter(([one]) =>
      covers({ capability, target }, { capability, target: one }),
    );
    const sorted = of.flatMap(([, at]) => at).toSorted((a, b) => a - b);
    const peakPerSecond = peakOf(sorted);
    const rate = isTooVaried ? grant.ratePerSecond : rateFor(grant, peakPerSecond);
    const permission = {
      capability,
      target,
      ...(rate === undefined ? {} : { ratePerSecond: rate }),
    };
    return {
      ...permission,
      words: inWords(permission),
      within: grant,
      uses: sorted.length,
      peakPerSecond,
      lastAt: sorted.at(-1) ?? 0,
    };
  });
}

/** The most of these times within any one second. */
function peakOf(sorted: readonly number[]): number {
  let [first, most] = [0, 0];
  for (const [index, at] of sorted.entries()) {
    while (at - (sorted[first] ?? at) >= SECOND_MS) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

/** Never above today's. What is of low risk keeps the rate it has: a busy day must not stop a plugin from logging. */
function rateFor({ capability, ratePerSecond }: Allowance, peak: number): number | undefined {
  if (CAPABILITIES[capability].risk === 'low') return ratePerSecond;
  const wanted = Math.ceil(peak * HEADROOM);
  if (wanted > MAX_RATE) return ratePerSecond;
  return Math.min(ratePerSecond ?? MAX_RATE, Math.max(1, wanted));
}
