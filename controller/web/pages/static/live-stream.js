// What goes on in calls, as /api/v1/live says it, for as long as somebody wants it: after every cut it comes back by
// itself. By fetch: an EventSource can show no token, says nothing of what went wrong, and comes back when it likes.

const SILENT_AFTER_MS = 2500; // something is said every second
const MOST_WAIT_MS = 1000;
// While nobody is reached it is tried this often whether anybody would be: of what costs a server next to nothing.
// Three tries wait at the same time, and one waits for long beside them: what is slow, or has very many to answer, is
// not cut, and would never answer anybody if all gave up on it so soon.
const TRY_EVERY_MS = 140;
const TRY_FOR_MS = 300;
const PATIENT_MS = 4000;

export class Stream {
  #path;
  #headers;
  #tell;
  #cut = new AbortController();
  #closed = new AbortController();

  // tell(message): {kind: "open", ahead}, by how many milliseconds the server's clock is ahead; {kind: "event", name,
  // data}; {kind: "lost"}, what was said may not be so any more; {kind: "refused", status, detail}, and that is all.
  constructor(path, {token, csrf}, tell) {
    this.#path = path;
    // With the second word of a session it is of this one: whoever logs in next in this browser is somebody else.
    this.#headers = token ? {Authorization: `Bearer ${token}`} : csrf ? {"X-CSRF-Token": csrf} : {};
    this.#tell = (message) => this.#closed.signal.aborted || tell(message);
    void this.#run();
  }

  close() {
    this.#closed.abort();
    this.#cut.abort();
  }

  // Look whether it is still there, by coming back.
  doubt() {
    this.#cut.abort();
  }

  async #run() {
    for (let wait = 0; !this.#closed.signal.aborted; ) {
      const began = Date.now();
      const refused = await this.#listen();
      if (refused) {
        this.#tell({kind: "refused", ...refused});
        return;
      }
      this.#tell({kind: "lost"});
      // Whoever ends it again and again is not asked again and again.
      wait = Date.now() - began > MOST_WAIT_MS ? 0 : Math.min(2 * wait + 50, MOST_WAIT_MS);
      await pause(wait + 50 * Math.random());
      await reached(this.#closed.signal);
    }
  }

  // Until it ends or is cut. What was answered by whoever refused it; null: nobody did.
  async #listen() {
    const cut = (this.#cut = new AbortController());
    let silent = setTimeout(() => cut.abort(), SILENT_AFTER_MS);
    try {
      const response = await fetch(this.#path, {headers: this.#headers, signal: cut.signal, cache: "no-store"});
      if (!response.ok) return {status: response.status, detail: await detailOf(response)};
      this.#tell({kind: "open", ahead: aheadOf(response)});
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let text = ""; ; ) {
        const {done, value} = await reader.read();
        if (done) return null;
        clearTimeout(silent);
        silent = setTimeout(() => cut.abort(), SILENT_AFTER_MS);
        const blocks = (text + value).split("\n\n");
        text = blocks.pop();
        blocks.forEach((block) => this.#said(block));
      }
    } catch {
      return null; // nobody was reached, or not any more
    } finally {
      clearTimeout(silent);
      cut.abort();
    }
  }

  // One event (WHATWG HTML, 9.2.5), as our server writes them: a name, and one line of data.
  #said(block) {
    const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
    if (fields.event) this.#tell({kind: "event", name: fields.event, data: JSON.parse(fields.data)});
  }
}

async function detailOf(response) {
  const answer = await response.json().catch(() => ({}));
  return answer.detail ?? answer.title ?? response.statusText;
}

function aheadOf(response) {
  const date = Date.parse(response.headers.get("Date") ?? "");
  return Number.isNaN(date) ? 0 : date + 500 - Date.now(); // it is cut off to a second
}

const pause = (milliseconds) => new Promise((over) => setTimeout(over, milliseconds));

let waiting = 0;
let search = null;

// Wait until anybody answers anything, or it is given up: one search for all who wait here.
export async function reached(givenUp = new AbortController().signal) {
  waiting += 1;
  try {
    search ??= searched().finally(() => (search = null));
    await Promise.race([search, new Promise((over) => givenUp.addEventListener("abort", over))]);
  } finally {
    waiting -= 1;
  }
}

async function searched() {
  const over = new AbortController();
  const tries = async (within, every) => {
    while (waiting > 0 && !over.signal.aborted) {
      void answers(within, over.signal).then((yes) => yes && over.abort());
      await pause(every * (0.75 + 0.25 * Math.random())); // not all at the same time
    }
  };
  void tries(PATIENT_MS, PATIENT_MS);
  const answered = new Promise((yes) => over.signal.addEventListener("abort", yes));
  await Promise.race([answered, tries(TRY_FOR_MS, TRY_EVERY_MS)]); // these end too where nobody waits any more
  over.abort();
}

async function answers(within, over) {
  const late = new AbortController();
  const abort = () => late.abort();
  const timer = setTimeout(abort, within);
  over.addEventListener("abort", abort);
  try {
    await fetch("/healthz", {method: "HEAD", signal: late.signal, cache: "no-store", redirect: "manual"});
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    over.removeEventListener("abort", abort);
  }
}
