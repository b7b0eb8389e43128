// For pages that embed the banner: a classic script, which adds RecordingBanner to the page.
//
//   <script src="https://recording.example.com/static/banner-embed.js"></script>
//   const banner = RecordingBanner.embed(element, {agent: "201", token: () => askOurServerForIt()});
//   banner.addEventListener("recording.paused", ({detail}) => …);
//   const {ok} = await banner.command("pause");

(() => {
  const OURS = "recording-controller";
  const THEIRS = "recording-controller-host";
  const server = new URL(document.currentScript.src).origin;
  const ANSWERED_WITHIN_MS = 6000;

  class Banner extends EventTarget {
    #token;
    #answers = new Map();
    #listen = (event) => this.#hear(event);

    constructor(into, {agent, pbx, language, token}) {
      super();
      const address = new URL("/banner", server);
      for (const [name, value] of Object.entries({agent, pbx, lang: language})) {
        if (value !== undefined) address.searchParams.set(name, value);
      }
      this.#token = token;
      this.frame = Object.assign(document.createElement("iframe"), {src: address.href, title: "Recording"});
      this.frame.style.cssText = "display: block; width: 100%; min-width: 280px; height: 180px; border: 0";
      window.addEventListener("message", this.#listen);
      into.append(this.frame);
    }

    // Ask for pause, resume, start, stop, objection, private or proof, of {call, purpose, reason} where there are several.
    // What cannot be taken back is not asked about once more. Resolves to {ok, status, state, detail}.
    command(verb, {call, purpose, reason} = {}) {
      const id = crypto.randomUUID?.() ?? String(Math.random());
      return new Promise((answer) => {
        const nobody = setTimeout(() => this.#answered({id, ok: false, status: 0, detail: "no answer"}), ANSWERED_WITHIN_MS);
        this.#answers.set(id, {answer, nobody});
        this.#send({type: "command", id, verb, call, purpose, reason});
      });
    }

    close() {
      window.removeEventListener("message", this.#listen);
      this.frame.remove();
    }

    #hear({source, origin, data}) {
      if (source !== this.frame.contentWindow || origin !== server || data?.source !== OURS) return;
      if (data.type === "recording.ready" || data.type === "recording.token-wanted") void this.#hello();
      else if (data.type === "recording.size") this.frame.style.height = `${Math.ceil(data.height)}px`;
      else if (data.type === "recording.answer") this.#answered(data);
      const {source: _, type, ...detail} = data;
      this.dispatchEvent(new CustomEvent(type, {detail}));
    }

    async #hello() {
      const token = typeof this.#token === "function" ? await this.#token() : this.#token;
      this.#send({type: "hello", token});
    }

    #answered({id, ok, status, state, detail}) {
      const waiting = this.#answers.get(id);
      if (!waiting) return;
      this.#answers.delete(id);
      clearTimeout(waiting.nobody);
      waiting.answer({ok, status, state, detail});
    }

    // To the banner alone: whatever else may have been loaded into the frame is told nothing.
    #send(message) {
      this.frame.contentWindow?.postMessage({source: THEIRS, ...message}, server);
    }
  }

  window.RecordingBanner = {embed: (into, options = {}) => new Banner(into, options)};
})();
