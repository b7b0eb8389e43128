// Shares live streams among pages: those that ask the same, in the same name, have one together, since a browser has
// six connections to a host (HTTP/1.1), and where streams take all of them no pause goes out.
//
// A page says {kind: "follow", path, token, csrf, visible}, {kind: "seen", visible}, {kind: "doubt"}, {kind: "leave"},
// and {kind: "here"} whenever it is told {kind: "still"}. It hears what a Stream tells, all calls first, and
// {kind: "held"} while others have the streams that there may be.

import {Stream} from "./live-stream.js";

const STILL_EVERY_MS = 1000;
const GONE_AFTER_MS = 60000; // who has not answered for so long is no more, or asleep, and says so when it wakes

export class Hub {
  #most;
  #hidden;
  #pages = new Set();
  #followed = new Map();

  // most: how many streams there may be. hidden: whether also for pages that nobody sees.
  constructor({most, hidden}) {
    this.#most = most;
    this.#hidden = hidden;
    setInterval(() => this.#tick(), STILL_EVERY_MS);
  }

  // Hear a page, from now on.
  join(port) {
    const page = {port, visible: true, followed: null, heard: Date.now()};
    this.#pages.add(page);
    port.onmessage = ({data}) => this.#hear(page, data);
    port.postMessage({kind: "still"});
  }

  #hear(page, message) {
    page.heard = Date.now();
    page.visible = message.visible ?? page.visible;
    if (message.kind === "follow") this.#follow(page, message);
    else if (message.kind === "leave") this.#leave(page);
    else if (message.kind === "doubt") page.followed?.stream?.doubt();
    if (message.kind !== "here") this.#settle();
  }

  #follow(page, {path, token, csrf}) {
    const key = JSON.stringify([path, token, csrf]);
    if (page.followed?.key !== key) this.#leave(page);
    if (!this.#followed.has(key)) this.#followed.set(key, {key, path, token, csrf, pages: new Set(), stream: null, state: [], calls: null});
    page.followed = this.#followed.get(key);
    page.followed.pages.add(page);
    for (const message of page.followed.state) page.port.postMessage(message);
    if (page.followed.calls) page.port.postMessage({kind: "event", name: "calls", data: [...page.followed.calls.values()]});
  }

  #leave(page) {
    const followed = page.followed;
    page.followed = null;
    followed?.pages.delete(page);
    if (followed?.pages.size === 0) this.#forget(followed);
  }

  #forget(followed) {
    followed.stream?.close();
    this.#followed.delete(followed.key);
    for (const page of followed.pages) page.followed = null;
  }

  // Who is seen comes first, then who was there first.
  #settle() {
    const seen = ({pages}) => [...pages].some(({visible}) => visible);
    const all = [...this.#followed.values()];
    const wanted = [...all.filter(seen), ...(this.#hidden ? all.filter((one) => !seen(one)) : [])].slice(0, this.#most);
    for (const one of all) if (!wanted.includes(one)) this.#hold(one);
    for (const one of wanted) if (!one.stream) this.#begin(one);
  }

  #begin(followed) {
    followed.state = [];
    followed.stream = new Stream(followed.path, followed, (message) => this.#told(followed, message));
  }

  #hold(followed) {
    if (followed.state[0]?.kind === "held") return;
    followed.stream?.close();
    followed.stream = null;
    this.#told(followed, {kind: "held"});
  }

  #told(followed, message) {
    const {kind, name, data} = message;
    if (kind !== "event") [followed.state, followed.calls] = [[message], null];
    else if (name === "calls") followed.calls = new Map(data.map((call) => [call.id, call]));
    else if (name === "call") followed.calls.set(data.id, data);
    else if (name === "over") followed.calls.delete(data.id);
    for (const {port} of followed.pages) port.postMessage(message);
    if (kind !== "refused") return;
    this.#forget(followed);
    this.#settle();
  }

  #tick() {
    for (const page of this.#pages) {
      if (Date.now() - page.heard < GONE_AFTER_MS) page.port.postMessage({kind: "still"});
      else this.#drop(page);
    }
  }

  #drop(page) {
    this.#leave(page);
    this.#pages.delete(page);
    page.port.close();
    this.#settle();
  }
}
