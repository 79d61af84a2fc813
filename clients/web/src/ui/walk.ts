/** Where the keyboard goes from one of `count` things in a row; null where the key is not for that. */
export function nextIndex(key: string, index: number, count: number): number | null {
  if (count === 0) return null;
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const step = key === "ArrowRight" || key === "ArrowDown" ? 1 : key === "ArrowLeft" || key === "ArrowUp" ? -1 : 0;
  return step === 0 ? null : (index + step + count) % count;
}

/**
 * Svelte action for a row of buttons that opens after its own button: the first one has the keyboard at once, arrow keys walk
 * along them, and the button before the row gets the keyboard back, unless it has gone elsewhere.
 */
export function walkable(row: HTMLElement): { destroy(): void } {
  const opener = row.previousElementSibling;
  const buttons = (): HTMLButtonElement[] => [...row.querySelectorAll<HTMLButtonElement>("button:enabled")];
  const press = (event: KeyboardEvent): void => {
    const all = buttons();
    const next = nextIndex(event.key, all.indexOf(document.activeElement as HTMLButtonElement), all.length);
    if (next === null) return;
    event.preventDefault();
    all[next]?.focus();
  };
  row.addEventListener("keydown", press);
  buttons()[0]?.focus({ preventScroll: true });
  return {
    destroy: () => {
      row.removeEventListener("keydown", press);
      const { activeElement } = document;
      // A row that has gone from the page has left the keyboard to the body.
      if (opener instanceof HTMLElement && (activeElement === document.body || row.contains(activeElement))) opener.focus({ preventScroll: true });
    },
  };
}
