// The page around the banner, where there is one: who it is, what it is told, and what it asks.
// It is talked with only if its origin is one of those that the configuration names, and only where it is the parent.

const OURS = "recording-controller";
const THEIRS = "recording-controller-host";

export class Parent {
  #origin = null;
  #hello;
  #met;

  // origins: those that may embed the banner. asked(message): what the parent asks, once it has said who it is.
  constructor(origins, asked) {
    this.framed = window.parent !== window && origins.length > 0;
    this.#met = new Promise((hello) => (this.#hello = hello));
    if (!this.framed) return;
    window.addEventListener("message", ({source, origin, data}) => {
      if (source !== window.parent || !origins.includes(origin) || data?.source !== THEIRS) return;
      this.#origin = origin;
      this.#hello();
      this.#size();
      asked(data);
    });
    for (const origin of origins) window.parent.postMessage({source: OURS, type: "recording.ready"}, origin);
    const sizes = new ResizeObserver(() => this.#size());
    for (const one of document.querySelectorAll("body, dialog")) sizes.observe(one);
  }

  // Wait until it has said who it is, or for so long.
  async met(within_ms) {
    if (this.framed) await Promise.race([this.#met, new Promise((over) => setTimeout(over, within_ms))]);
  }

  // How high the banner is, and what is asked in it.
  #size() {
    const dialog = document.querySelector("dialog");
    this.tell("recording.size", {height: Math.max(document.body.scrollHeight, dialog.open ? dialog.scrollHeight + 48 : 0)});
  }

  // Nobody is told before it is known who listens.
  tell(type, detail = {}) {
    if (this.#origin !== null) window.parent.postMessage({source: OURS, type, ...detail}, this.#origin);
  }
}
