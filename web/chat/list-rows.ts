/** What lists of messages have in common, whatever their rows are: what somebody reads stays where it is, and the keyboard goes from row to row. */

interface Drawn {
  readonly element: HTMLElement;
}

/** A row, and how far below the top of what can be seen it is, pixels. */
export interface Anchor {
  readonly seq: number;
  readonly top: number;
}

/** The row that something is in. */
export const rowAt = (target: EventTarget | null): HTMLElement | undefined =>
  (target instanceof Element ? target.closest<HTMLElement>("[data-id]") : null) ?? undefined;

/** The first row that can be seen; rows in their order. */
export function anchorOf({ scrollTop }: HTMLElement, rows: Iterable<Drawn>): Anchor | undefined {
  for (const { element } of rows) {
    const { seq } = element.dataset;
    if (seq !== undefined && element.offsetTop + element.offsetHeight > scrollTop)
      return { seq: Number(seq), top: element.offsetTop - scrollTop };
  }
  return undefined;
}

/** Scroll the same row, or the next one that is left, to where that was. */
export function hold(list: HTMLElement, rows: Iterable<Drawn>, { seq, top }: Anchor): void {
  for (const { element } of rows) {
    if (Number(element.dataset.seq ?? -1) < seq) continue;
    const scrollTop = element.offsetTop - top;
    if (Math.abs(list.scrollTop - scrollTop) >= 1) list.scrollTop = scrollTop;
    return;
  }
}

/** Arrows go from row to row, and behind the last one to the list itself. */
export function walk(list: HTMLElement, event: KeyboardEvent): void {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (step === undefined) return;
  const rows = [...list.querySelectorAll<HTMLElement>("[data-id]")];
  const row = rowAt(event.target);
  const at = row ? rows.indexOf(row) + step : rows.length - 1;
  event.preventDefault();
  if (at >= rows.length) list.focus();
  else rows[Math.max(0, at)]?.focus();
}
