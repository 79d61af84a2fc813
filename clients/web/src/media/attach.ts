/** Svelte action: shows a track in a video element, and lets go of it at the end. */
export function showTrack(video: HTMLVideoElement, track: MediaStreamTrack | null): { update(track: MediaStreamTrack | null): void; destroy(): void } {
  let shown: MediaStreamTrack | null = null;
  const show = (next: MediaStreamTrack | null): void => {
    if (next === shown) return;
    shown = next;
    video.srcObject = next ? new MediaStream([next]) : null;
    // A silent video may always play; a refusal comes only from an element that is just going away.
    if (next) void video.play().catch(() => undefined);
  };
  show(track);
  return { update: show, destroy: () => show(null) };
}
