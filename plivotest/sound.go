package plivotest

import "time"

// Sound is something other than a voice that a leg heard.
type Sound struct {
	At time.Time
	// End is when it stopped, where it lasts; zero for beeps and while it
	// still plays.
	End time.Time
	// Kind is "wait music", "hold music", "dial music", "beep", "enter sound",
	// "exit sound", "speak" or "play".
	Kind string
	// Name is what sounded: "beep:1", "beep:2", a text, a URL, "plivo" for
	// Plivo's own music, "Real" for the ringing tone.
	Name string
}

// Sounds returns every sound this leg heard, oldest first.
func (l *Leg) Sounds() (out []Sound) {
	l.with(func() { out = append(out, l.sounds...) })
	return out
}

// beep lets a leg hear something short.
func (s *Server) beep(l *Leg, kind, name string) {
	l.sounds = append(l.sounds, Sound{At: time.Now(), Kind: kind, Name: name})
	s.log("sound", "%s %s hears %s %s", short(l.uuid), l.phone.address, kind, name)
}

// startSound lets a leg hear something that lasts.
func (s *Server) startSound(l *Leg, kind, name string) { s.beep(l, kind, name) }

// lasting says whether sounds of a kind have an end.
func lasting(kind string) bool {
	switch kind {
	case "wait music", "hold music", "dial music", "speak", "play":
		return true
	}
	return false
}

// stopSound ends the sounds of a kind that still play.
func (s *Server) stopSound(l *Leg, kind string) {
	for i := range l.sounds {
		if o := &l.sounds[i]; o.Kind == kind && o.End.IsZero() && lasting(kind) {
			o.End = time.Now()
			s.log("sound", "%s %s no longer hears %s %s", short(l.uuid), l.phone.address, kind, o.Name)
		}
	}
}

// closeSounds ends every sound that still plays.
func (s *Server) closeSounds(l *Leg) {
	for i := range l.sounds {
		if o := &l.sounds[i]; o.End.IsZero() && lasting(o.Kind) {
			o.End = time.Now()
		}
	}
}
