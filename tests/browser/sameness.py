"""Is the page that pushes have made the same as the page that somebody opens now?"""

from __future__ import annotations

from playwright.sync_api import Page, expect


def without_clocks(page: Page) -> dict[str, str]:
    """Each live part's HTML, without what the browser itself writes: running times, focus, its own marks."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("[data-live]")].map((part) => {
            const copy = part.cloneNode(true);
            for (const clock of copy.querySelectorAll("time")) {
              clock.textContent = "";
              for (const name of ["data-soon", "data-late", "data-over"]) clock.removeAttribute(name);
            }
            for (const token of copy.querySelectorAll("[name=csrf_token]")) token.removeAttribute("value");
            for (const sealed of copy.querySelectorAll("[value^='sealed:']")) sealed.removeAttribute("value");  // anew each time
            for (const said of copy.querySelectorAll("#board-at, #wall-at")) said.remove();  // when the figures were counted
            for (const node of copy.querySelectorAll("*")) {
              for (const name of ["data-shown", "style", "aria-expanded", "tabindex"]) node.removeAttribute(name);
              if (node.className === "") node.removeAttribute("class");
            }
            const told = (node) => node.nodeType !== Node.ELEMENT_NODE ? node.textContent.trim() :
              `<${node.localName} ${[...node.attributes].map((a) => `${a.name}=${a.value}`).sort().join(" ")}>` +
              [...node.childNodes].map(told).join("");
            return [part.id, [...copy.childNodes].map(told).join("").replace(/\\s+/g, " ")];
        }))"""
    )


def same_after_loading_again(page: Page, parts: int = 1) -> None:
    """The page as pushes made it comes to be the page as the server gives it to somebody who opens it now."""
    fresh = page.context.new_page()
    fresh.goto(page.url)
    expect(fresh.locator("#net")).to_have_attribute("data-state", "live")
    for _ in range(180):
        pushed, loaded = without_clocks(page), without_clocks(fresh)
        if pushed == loaded:
            break
        page.wait_for_timeout(250)  # a push may still be under way
    assert len(loaded) >= parts, "the page has fewer live parts than it should"
    for part in loaded:
        assert pushed[part] == loaded[part], f"{part}: {pushed[part]} | {loaded[part]}"
    fresh.close()
