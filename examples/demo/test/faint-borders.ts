/// <reference lib="dom" />

/** Runs in the page, by itself. Names each border that can be seen and has a contrast of less than 3:1 to what is on either side of it. */
export function faintBorders(): string[] {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', {
    willReadFrequently: true,
  })!
  /** Paints colours one over the other. */
  const painted = (colors: readonly string[]): number[] => {
    canvas.clearRect(0, 0, 1, 1)
    for (const color of colors) {
      canvas.fillStyle = color
      canvas.fillRect(0, 0, 1, 1)
    }
    return Array.from(canvas.getImageData(0, 0, 1, 1).data.slice(0, 3))
  }
  const luminance = (color: readonly number[]): number => {
    const [red = 0, green = 0, blue = 0] = color.map((part) =>
      part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const contrast = (a: readonly number[], b: readonly number[]): number => {
    const [dark = 0, light = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y)
    return (light + 0.05) / (dark + 0.05)
  }
  const grounds = (element: Element | null): string[] =>
    element === null ? ['white'] : [...grounds(element.parentElement), getComputedStyle(element).backgroundColor]
  const faint: string[] = []
  for (const element of document.querySelectorAll('body, body *')) {
    if (element.namespaceURI !== 'http://www.w3.org/1999/xhtml' || element.getClientRects().length === 0) continue
    const style = getComputedStyle(element)
    for (const side of ['top', 'right', 'bottom', 'left']) {
      const color = style.getPropertyValue(`border-${side}-color`)
      if (style.getPropertyValue(`border-${side}-width`) === '0px' || color === 'rgba(0, 0, 0, 0)') continue
      const outside = grounds(element.parentElement)
      const border = painted([...grounds(element), color])
      // One of its two sides is enough: a filled button's border is a part of its filling.
      const most = Math.max(contrast(border, painted(outside)), contrast(border, painted(grounds(element))))
      if (most < 3) faint.push(`${element.tagName} ${element.className} ${side} ${color}: ${most.toFixed(2)}`)
    }
  }
  return faint
}
