import type { HubFrame, SegmentStep } from '../contract/index.ts';

/** The segments one host knows: equal steps are sent once, under a name of the hub's choosing. */
export class SegmentNames {
  readonly #tell: (frame: HubFrame) => void;
  readonly #known = new WeakMap<readonly SegmentStep[], string>();
  readonly #names = new Map<string, string>();

  constructor(tell: (frame: HubFrame) => void) {
    this.#tell = tell;
  }

  /** The name the host knows these steps by; tells it first when they are new. */
  nameOf(steps: readonly SegmentStep[]): string {
    const known = this.#known.get(steps);
    if (known !== undefined) return known;
    const text = JSON.stringify(steps);
    const named = this.#names.get(text);
    const segment = named ?? `s${String(this.#names.size + 1)}`;
    if (named === undefined) this.#tell({ t: 'define', segment, steps: [...steps] });
    this.#names.set(text, segment);
    this.#known.set(steps, segment);
    return segment;
  }
}
