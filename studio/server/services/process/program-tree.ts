import { execFile, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { markOf } from './confinement.ts';
import {
  entryNow,
  lives,
  signalSame,
  tableNow,
  treeOf,
  type ProcessEntry,
} from './process-table.ts';

/** A program that runs and all it has started. */
export interface ProgramTree {
  /** The process under which everything is, and which is no part of it in a pid namespace; null until it is known. */
  readonly root: ProcessEntry | null;
  /** The program's own process; null when it is not known, or over. */
  program(): Promise<ProcessEntry | null>;
  /** How many processes there are; null when that cannot be known. Without a turn of the event loop. */
  count(): number | null;
  /** Ends everything at once; resolves when nothing is left. Does nothing when there is nothing. */
  kill(): Promise<void>;
}

const POLL_MS = 5;
const MAX_KILL_MS = 5000;
/** Counting a group means looking at every process there is. */
const COUNT_MS = 500;

/** The tree of a pid namespace; `root` is its first process, whose end is the end of all others. */
export class NamespaceTree implements ProgramTree {
  readonly #child: ChildProcess;
  #root: ProcessEntry | null = null;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  get root(): ProcessEntry | null {
    return this.#root;
  }

  /** Tells which process is first in the namespace. */
  begin(pid: number): void {
    this.#root ??= entryNow(pid);
  }

  async program(): Promise<ProcessEntry | null> {
    if (this.#root === null) return null;
    const pid = String(this.#root.pid);
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    const first = Number(text.trim().split(' ')[0] ?? '');
    return first > 0 && lives(this.#root) ? entryNow(first) : null;
  }

  count(): number | null {
    if (this.#root === null) return null;
    try {
      const names = readdirSync(`/proc/${String(this.#root.pid)}/root/proc`);
      return names.filter((name) => /^\d+$/u.test(name)).length;
    } catch {
      return null;
    }
  }

  async kill(): Promise<void> {
    // Without its namespace's first process bubblewrap alone would be ended, and that one stay behind, waiting.
    if (!(await until(() => this.#root !== null || hasEnded(this.#child))))
      this.#child.kill('SIGKILL');
    const root = this.#root;
    if (root === null) return;
    signalSame(root, 'SIGKILL');
    await until(() => !lives(root));
  }
}

/** The tree of a process group, followed by what the system tells of sessions, parents and marks. */
export class GroupTree implements ProgramTree {
  readonly #child: ChildProcess;
  readonly #mark: number;
  #counted = { at: 0, count: 0 };
  readonly root: ProcessEntry | null;

  constructor(child: ChildProcess, mark: number) {
    this.#child = child;
    this.#mark = mark;
    this.root = entryNow(child.pid ?? 0);
  }

  program(): Promise<ProcessEntry | null> {
    return Promise.resolve(this.root !== null && lives(this.root) ? this.root : null);
  }

  count(): number {
    const now = performance.now();
    if (now - this.#counted.at > COUNT_MS)
      this.#counted = { at: now, count: this.#members().length };
    return this.#counted.count;
  }

  async kill(): Promise<void> {
    if (process.platform !== 'linux') return signalGroup(this.#child.pid ?? 0);
    const deadline = performance.now() + MAX_KILL_MS;
    for (let left = this.#members(); left.length > 0; left = this.#members()) {
      for (const it of left) signalSame(it, 'SIGKILL');
      if (performance.now() > deadline) return;
      await wait(POLL_MS);
    }
  }

  #members(): readonly ProcessEntry[] {
    const table = tableNow();
    const pid = this.#child.pid ?? 0;
    const isReused = table.some((it) => it.pid === pid && it.startTicks !== this.root?.startTicks);
    const known = table.filter(
      (it) =>
        (!isReused && (it.session === pid || it.group === pid)) || markOf(it.pid) === this.#mark,
    );
    const tree = treeOf(table, new Set(known.map((it) => it.pid)));
    return tree.filter((it) => !it.zombie && it.pid !== process.pid);
  }
}

/** The tree as Windows knows it. */
export class WindowsTree implements ProgramTree {
  readonly #child: ChildProcess;
  readonly root = null;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  program(): Promise<null> {
    return Promise.resolve(null);
  }

  count(): null {
    return null;
  }

  async kill(): Promise<void> {
    if (!hasEnded(this.#child)) await endWindowsTree(this.#child.pid ?? 0);
  }
}

async function endWindowsTree(pid: number): Promise<void> {
  const taskkill = join(process.env['SystemRoot'] ?? 'C:/Windows', 'System32', 'taskkill.exe');
  await new Promise((resolve) => {
    execFile(taskkill, ['/PID', String(pid), '/T', '/F'], resolve);
  });
}

function signalGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null || child.pid === undefined;

/** False when it did not come true in time. */
async function until(holds: () => boolean): Promise<boolean> {
  const deadline = performance.now() + MAX_KILL_MS;
  while (!holds()) {
    if (performance.now() > deadline) return false;
    await wait(POLL_MS);
  }
  return true;
}
