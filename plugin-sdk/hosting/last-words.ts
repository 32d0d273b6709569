/** How V8 and the C++ library say so before they abort. */
const RAN_OUT = /out of memory|bad_alloc|allocation failed|failed to allocate/iu;
const KEPT = 4000;

/** The end of what a host wrote to its stdout and stderr. */
export class LastWords {
  #said = '';

  add(text: string): void {
    this.#said = (this.#said + text).slice(-KEPT);
  }

  get tellOfMemory(): boolean {
    return RAN_OUT.test(this.#said);
  }
}
