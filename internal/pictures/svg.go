package pictures

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	panelWidth  = 230.0
	panelHeight = 208.0
	radius      = 31.0
	apart       = 6.0 // half the distance between the two arrows of a pair
)

type point struct{ x, y float64 }

// places are the middles of the circles in a panel of three, and of two.
var places = [...]point{Customer: {48, 162}, Agent: {182, 162}, Supervisor: {115, 48}}

var class = [...]string{Customer: "c", Agent: "a", Supervisor: "s"}

// The colours read on white and on black, so that it does not matter which of
// them a viewer believes in.
const style = `
text { font: 13px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; text-anchor: middle; fill: #6e7781; }
.name { font-weight: 600; fill: #ffffff; }
.note { font-size: 11px; font-style: italic; }
line { stroke-width: 2.5; }
.c { fill: #2f74c0; stroke: #2f74c0; }
.a { fill: #2e8b57; stroke: #2e8b57; }
.s { fill: #c8641b; stroke: #c8641b; }
.music { fill: #8957e5; stroke: #8957e5; }
line.music { stroke-dasharray: 5 4; }
text.music { font-size: 17px; stroke: none; }
.tip { stroke: none; }
circle { stroke: none; }
circle.away { fill: none; stroke: #8c959f; stroke-width: 1.5; stroke-dasharray: 2 4; }
.away.name { fill: #6e7781; }
.rule { stroke: #8c959f; stroke-width: 1; stroke-opacity: 0.4; }
`

// SVG draws the scene. An arrow goes from a voice to the ear that hears it, in
// the colour of the voice; dashed is music.
func (s Scene) SVG() []byte {
	var b strings.Builder
	width := panelWidth * float64(len(s.Panels))
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %[1]g %[2]g" role="img">`+"\n", width, s.height())
	fmt.Fprintf(&b, "<title>%s</title>\n<desc>%s</desc>\n<style>%s</style>\n", s.Title, s.words(), style)
	for i, p := range s.Panels {
		x := panelWidth * float64(i)
		fmt.Fprintf(&b, `<g transform="translate(%g 0)">`+"\n", x)
		p.draw(&b, s.height())
		if i > 0 {
			fmt.Fprintf(&b, `<line class="rule" x1="0" y1="14" x2="0" y2="%g"/>`+"\n", s.height()-14)
		}
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// height leaves out the supervisor's place where there is none.
func (s Scene) height() float64 {
	for _, p := range s.Panels {
		for _, who := range p.People {
			if who.Role == Supervisor {
				return panelHeight + 24
			}
		}
	}
	return panelHeight - 44
}

// words says the picture for those who do not see it.
func (s Scene) words() string {
	var out []string
	for _, p := range s.Panels {
		var says []string
		for _, who := range p.People {
			var whom []string
			for _, h := range p.Hears {
				if h[0] == who.Name {
					whom = append(whom, h[1])
				}
			}
			if slices.Contains(p.Music, who.Name) {
				whom = append(whom, "music")
			}
			if len(whom) == 0 {
				whom = []string{"nobody"}
			}
			says = append(says, who.Name+" hears "+strings.Join(whom, " and "))
		}
		out = append(out, p.Caption+": "+strings.Join(says, ", ")+".")
	}
	return strings.Join(out, " ")
}

func (p Panel) draw(b *strings.Builder, height float64) {
	lift := panelHeight + 24 - height
	at := func(r Role) point { return point{places[r].x, places[r].y - lift} }
	role := map[string]Role{}
	for _, who := range p.People {
		role[who.Name] = who.Role
	}
	for _, h := range p.Hears {
		from, to := at(role[h[1]]), at(role[h[0]])
		arrow(b, class[role[h[1]]], shift(from, to, radius+3, apart), shift(to, from, radius+4, -apart))
	}
	for _, name := range p.Music {
		to := at(role[name])
		from := point{to.x, to.y - radius - 46}
		fmt.Fprintf(b, `<text class="music" x="%g" y="%g">♫</text>`+"\n", from.x, from.y)
		arrow(b, "music", point{from.x, from.y + 7}, point{to.x, to.y - radius - 4})
	}
	for _, who := range p.People {
		c, away := at(who.Role), ""
		if who.Absent {
			away = " away"
			fmt.Fprintf(b, `<circle class="away" cx="%g" cy="%g" r="%g"/>`, c.x, c.y, radius)
		} else {
			fmt.Fprintf(b, `<circle class="%s" cx="%g" cy="%g" r="%g"/>`, class[who.Role], c.x, c.y, radius)
		}
		size := ""
		if len(who.Name) > 5 {
			size = ` style="font-size:11px"`
		}
		fmt.Fprintf(b, `<text class="name%s" x="%g" y="%g"%s>%s</text>`+"\n", away, c.x, c.y+4.5, size, who.Name)
		if who.Note != "" {
			x, y := c.x, c.y+radius+14
			if who.Role == Supervisor {
				x, y = c.x+radius+24, c.y+4
			}
			fmt.Fprintf(b, `<text class="note" x="%g" y="%g">%s</text>`+"\n", x, y, who.Note)
		}
	}
	fmt.Fprintf(b, `<text x="%g" y="%g">%s</text>`+"\n", panelWidth/2, height-4, p.Caption)
}

// shift goes from a towards b and then to the right of that way.
func shift(a, b point, along, aside float64) point {
	dx, dy := b.x-a.x, b.y-a.y
	n := math.Hypot(dx, dy)
	dx, dy = dx/n, dy/n
	return point{a.x + dx*along - dy*aside, a.y + dy*along + dx*aside}
}

// arrow draws a line with its tip; markers take no colour from their line in
// every viewer.
func arrow(b *strings.Builder, class string, from, to point) {
	foot := shift(to, from, 9, 0)
	l, r := shift(foot, from, 0.001, 5), shift(foot, from, 0.001, -5)
	fmt.Fprintf(b, `<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, from.x, from.y, foot.x, foot.y)
	fmt.Fprintf(b, `<path class="tip %s" d="M%.1f %.1fL%.1f %.1fL%.1f %.1fZ"/>`+"\n", class, to.x, to.y, l.x, l.y, r.x, r.y)
}
