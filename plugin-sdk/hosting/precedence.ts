import { readFile, writeFile } from 'node:fs/promises';

/** Weights as nice values (sched(7)): a third of the usual for what is busy, so that it still gets on when the machine is full. */
const NICE = { usual: 0, starting: 3, busy: 5 } as const;
type Level = keyof typeof NICE;

/** A host that keeps a core busy for more than this part of a while goes behind the others … */
const BUSY = 0.5;
/** … until it was calm for so many in a row. */
const CALM_LOOKS = 3;

/**
 * Who goes first when the machine is busy: the hub and hosts that are calm, then hosts that start, then those that keep
 * a core busy. A jail is a session of its own, and so has a weight of its own (autogroup); without autogroups nothing is done.
 */
export class Precedence {
  readonly #pid: () => number | null;
  #level: Level | null = null;
  #calm = 0;

  /** `pid` is of any process of the jail; null while there is none. */
  constructor(pid: () => number | null) {
    this.#pid = pid;
  }

  /** It starts, or gets a plugin: what it will be like is not known yet. */
  begin(): void {
    this.#calm = 0;
    if (this.#level !== 'busy') void this.#set('starting');
  }

  /** Told now and then which part of a core it used. */
  look(share: number): void {
    this.#calm = share > BUSY ? 0 : this.#calm + 1;
    if (this.#calm === 0) void this.#set('busy');
    else if (this.#calm >= CALM_LOOKS) void this.#set('usual');
  }

  async #set(level: Level): Promise<void> {
    if (this.#level === level) return;
    this.#level = level;
    if (!(await weigh(this.#pid(), NICE[level])) && this.#level === level) this.#level = null;
  }
}

/** Gives a process's session a weight; false when that can't be, or not now: ordinary users may do it ten times a second. */
async function weigh(pid: number | null, nice: number): Promise<boolean> {
  if (pid === null) return false;
  try {
    const [own, its] = await Promise.all(['self', String(pid)].map(sessionOf));
    // Never the hub's own: before its jail stands, a host still shares it.
    if (own === its) return false;
    await writeFile(`/proc/${String(pid)}/autogroup`, String(nice));
    return true;
  } catch {
    return false;
  }
}

const FIELD_OF_SESSION = 3;

/** proc(5): the fields of `stat` behind the name. */
async function sessionOf(pid: string): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[FIELD_OF_SESSION];
}
