// Asks the API: in the name of who has logged in, or of a token.

const WITHIN_MS = 60000;

// status 0: nobody was reached, or has answered in time; then it says so in the words of the page, if there are any.
// answer: what the API says of it, which faults.js says in the language of the page.
export class Refused extends Error {
  constructor(status, detail, answer = null) {
    super(detail);
    this.status = status;
    this.answer = answer;
  }
}

export class Api {
  // csrf: the second word of a session. token: shown instead of one; it is kept in memory alone.
  constructor({token = null, csrf = "", within_ms = WITHIN_MS} = {}) {
    Object.assign(this, {token, csrf, within_ms});
  }

  // What was answered, as JSON; null where there is none. Throws Refused.
  async ask(method, path, body) {
    const sent = body === undefined ? {} : {type: "application/json", body: JSON.stringify(body)};
    const response = await this.send(method, path, sent);
    const json = (response.headers.get("Content-Type") ?? "").includes("json");
    return json ? await response.json().catch(nobody) : null;
  }

  // What was answered. body: sent as it is, as this media type. Throws Refused.
  async send(method, path, {type, body} = {}) {
    const headers = this.#who();
    if (type) headers["Content-Type"] = type;
    const signal = AbortSignal.timeout(this.within_ms);
    const response = await fetch(path, {method, headers, body, signal, cache: "no-store"}).catch(nobody);
    if (response.ok) return response;
    const told = await response.json().catch(() => null);
    throw new Refused(response.status, told?.detail ?? told?.title ?? response.statusText, told);
  }

  #who() {
    if (this.token) return {Authorization: `Bearer ${this.token}`};
    return this.csrf ? {"X-CSRF-Token": this.csrf} : {};
  }
}

function nobody() {
  throw new Refused(0, document.body.dataset.unreached ?? "");
}

// In the name of who has logged in, as a page of the console knows them.
export const csrf = document.querySelector("meta[name=csrf]")?.content ?? "";
const ours = new Api({csrf});
export const ask = (method, path, body) => ours.ask(method, path, body);
