/** Svelte action: opens a dialog as a modal one; Escape and a click beside it ask to close. */
export function asModal(dialog: HTMLDialogElement, onClose: () => void): { update(onClose: () => void): void; destroy(): void } {
  let close = onClose;
  const cancel = (event: Event): void => {
    event.preventDefault();
    close();
  };
  const click = (event: MouseEvent): void => {
    if (event.target === dialog) close();
  };
  dialog.addEventListener("cancel", cancel);
  dialog.addEventListener("click", click);
  dialog.showModal();
  return {
    update: (next) => (close = next),
    destroy: () => {
      dialog.removeEventListener("cancel", cancel);
      dialog.removeEventListener("click", click);
      dialog.close();
    },
  };
}

/** Svelte action: calls back at a press outside the element. */
export function outside(element: HTMLElement, onOutside: () => void): { destroy(): void } {
  const press = (event: PointerEvent): void => {
    if (event.target instanceof Node && !element.contains(event.target)) onOutside();
  };
  document.addEventListener("pointerdown", press, true);
  return { destroy: () => document.removeEventListener("pointerdown", press, true) };
}

/** Svelte action: takes the keyboard where there is one; on a touch screen that would only cover the page. */
export function takeFocus(field: HTMLElement): void {
  if (matchMedia("(hover: hover)").matches) field.focus({ preventScroll: true });
}
