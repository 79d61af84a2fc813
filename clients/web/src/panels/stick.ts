/** Pixels from the end within which a list counts as being at its end. */
const NEAR = 80;

/**
 * Svelte action: keeps a list scrolled to its end as it grows, unless the person has scrolled up to read.
 * Tells whether the end is in view.
 */
export function stickToEnd(list: HTMLElement, onEnd: (atEnd: boolean) => void): { destroy(): void } {
  let atEnd = true;
  const toEnd = (): void => void (list.scrollTop = list.scrollHeight);
  const scrolled = (): void => {
    atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
    onEnd(atEnd);
  };
  const grown = new MutationObserver(() => atEnd && toEnd());
  const resized = new ResizeObserver(() => atEnd && toEnd());
  grown.observe(list, { childList: true, subtree: true });
  resized.observe(list);
  list.addEventListener("scroll", scrolled, { passive: true });
  toEnd();
  return {
    destroy: () => {
      grown.disconnect();
      resized.disconnect();
      list.removeEventListener("scroll", scrolled);
    },
  };
}
