import type { Manifest, SegmentStep, StepReport } from '../contract/index.ts';
import { checkReports } from '../runtime/reports.ts';
import { Validators } from '../runtime/validators.ts';

/** Checks what a host answers at the hub's end too: what a process host checks itself, the plugin in it can go round. */
export class StepReports {
  readonly #validators: Validators;
  readonly #known = new WeakMap<readonly SegmentStep[], ReadonlyMap<string, SegmentStep>>();

  constructor(manifest: Manifest) {
    this.#validators = new Validators(manifest);
  }

  /** The reports of these steps, against their node types. Null when they are not reports of these steps, or none at all. */
  believe(raw: unknown, steps: readonly SegmentStep[]): readonly StepReport[] | null {
    const byNode = this.#known.get(steps) ?? new Map(steps.map((step) => [step.node, step]));
    this.#known.set(steps, byNode);
    const reports = checkReports(raw, byNode, this.#validators);
    return reports === null || reports.length === 0 ? null : reports;
  }
}
