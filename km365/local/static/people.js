// Narrows the list of colleagues while you type; without this script the form asks the server instead.

const form = document.querySelector("#find");
const field = form.querySelector("input");
const none = document.querySelector("#none");

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();

function narrow() {
  const wanted = plain(field.value).split(/\s+/u).filter(Boolean);
  let shown = 0;
  for (const office of document.querySelectorAll(".office")) {
    let here = 0;
    for (const entry of office.querySelectorAll("li")) {
      const text = plain(entry.dataset.find);
      entry.hidden = !wanted.every((word) => text.includes(word));
      here += entry.hidden ? 0 : 1;
    }
    office.hidden = here === 0;
    shown += here;
  }
  none.hidden = shown > 0;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const first = document.querySelector(".office:not([hidden]) li:not([hidden]) a");
  if (field.value && first) first.focus();
});
field.addEventListener("input", narrow);
narrow();
