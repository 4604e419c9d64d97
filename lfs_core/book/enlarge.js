// A picture of the book in its full size, over the page: a click, or Enter on its link. Without
// this script the link leads to the picture itself.
{
  const box = document.createElement("dialog");
  box.className = "lfs-enlarged";
  box.addEventListener("click", () => box.close()); // Escape closes it, too
  document.body.append(box);
  for (const link of document.querySelectorAll("a.lfs-enlarge")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // into a tab of its own
      event.preventDefault();
      const { alt } = link.querySelector("img");
      const picture = Object.assign(new Image(), { src: link.href, alt });
      const close = Object.assign(document.createElement("button"), { textContent: "Close" });
      box.setAttribute("aria-label", alt);
      box.replaceChildren(close, picture);
      box.showModal();
    });
  }
}
