// What is pressed twice is done once: while it is on its way, another press does nothing.

export class Once {
  busy = $state(false);

  async do(act: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      await act();
    } finally {
      this.busy = false;
    }
  }
}
