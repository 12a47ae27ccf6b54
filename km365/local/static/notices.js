// Everything that says "something arrived": badges, the title, the notification list, toasts, and other people's news.

const TOAST_MS = 12000;

export class Notices {
  constructor({ words, name, open }) {
    this.words = words;
    this.name = name;
    this.open = open;
    this.title = document.title;
    this.seen = new Set();
    this.panel = document.querySelector("#notices");
    this.bell = document.querySelector("#bell");
    this.toasts = document.querySelector("#toasts");
    this.bell.addEventListener("click", () => this.toggle(this.panel.hidden));
    this.panel.querySelector("#close-notices").addEventListener("click", () => this.toggle(false));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.panel.hidden) this.toggle(false);
    });
  }

  toggle(open) {
    this.panel.hidden = !open;
    this.bell.setAttribute("aria-expanded", String(open));
    (open ? this.panel.querySelector("button") : this.bell).focus();
  }

  show({ notices, unread, others, quiet }) {
    for (const notice of notices) {
      const isNew = !this.seen.has(notice.seq);
      this.seen.add(notice.seq);
      if (isNew && !quiet) this.toast(notice);
    }
    badge(document.querySelector("#bell-badge"), notices.filter((n) => n.unread).length);
    badge(document.querySelector("#chat-badge"), unread);
    document.title = unread ? `(${unread}) ${this.title}` : this.title;
    this.list(notices);
    this.others(others);
  }

  list(notices) {
    const place = this.panel.querySelector("ul");
    this.panel.querySelector(".empty").hidden = notices.length > 0;
    place.replaceChildren(...notices.map((notice) => {
      const entry = document.createElement("li");
      entry.classList.toggle("unread", notice.unread);
      const button = document.createElement("button");
      button.type = "button";
      const text = document.createElement("span");
      text.dir = "auto";
      text.textContent = notice.text || this.words.new_from.replace("{name}", this.name);
      const at = document.createElement("time");
      at.dateTime = notice.at;
      at.textContent = new Date(notice.at).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
      button.append(text, at);
      button.addEventListener("click", () => {
        this.toggle(false);
        this.open(notice.seq);
      });
      entry.append(button);
      return entry;
    }));
  }

  toast(notice) {
    const box = document.querySelector("#toast").content.firstElementChild.cloneNode(true);
    box.querySelector(".headline").textContent = this.words.new_from.replace("{name}", this.name);
    const text = box.querySelector(".text");
    text.dir = "auto";
    text.textContent = notice.text;
    const remove = () => box.remove();
    box.querySelector(".close").addEventListener("click", remove);
    box.querySelector(".open").addEventListener("click", () => {
      remove();
      this.open(notice.seq);
    });
    this.toasts.append(box);
    // It stays for as long as somebody points at it or is inside it; the list keeps it afterwards.
    const leave = () => {
      if (box.matches(":hover, :focus-within")) setTimeout(leave, 3000);
      else remove();
    };
    setTimeout(leave, TOAST_MS);
  }

  others(others) {
    const box = document.querySelector("#others");
    box.hidden = others.length === 0;
    const count = document.querySelector("#others-badge"); // a telephone shows this one instead of the list
    count.hidden = others.length === 0;
    count.querySelector("b").textContent = String(others.length);
    box.querySelector("ul").replaceChildren(...others.map(({ id, name, unread }) => {
      const entry = document.createElement("li");
      const link = document.createElement("a");
      link.href = `/teams/${encodeURIComponent(id)}`;
      const who = document.createElement("span");
      who.className = "who";
      const strong = document.createElement("strong");
      strong.dir = "auto";
      strong.textContent = name;
      who.append(strong);
      const count = document.createElement("span");
      count.className = "badge";
      badge(count, unread);
      link.append(who, count);
      entry.append(link);
      return entry;
    }));
  }
}

function badge(element, count) {
  element.hidden = count === 0;
  element.textContent = count > 99 ? "99+" : String(count);
}
