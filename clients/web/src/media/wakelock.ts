/** Keeps the screen of a phone from going dark during a webinar, where the browser can. Answers what ends it. */
export function keepAwake(): () => void {
  const locks = (navigator as Partial<Navigator>).wakeLock;
  let lock: WakeLockSentinel | null = null;
  let ended = false;
  const ask = async (): Promise<void> => {
    // The browser takes the lock away with the page's visibility, and refuses it on a low battery: then nothing is lost.
    if (ended || document.visibilityState !== "visible") return;
    lock = (await locks?.request("screen").catch(() => null)) ?? null;
    if (ended) void lock?.release();
  };
  const seen = (): void => void ask();
  document.addEventListener("visibilitychange", seen);
  void ask();
  return () => {
    ended = true;
    document.removeEventListener("visibilitychange", seen);
    void lock?.release();
  };
}
