// Package pictures draws who hears whom, for the README. Its test keeps the
// files in docs/pictures up to date; a test of the root package plays every
// panel on the emulator, so that no picture says what is not so.
package pictures

// A Scene is one picture: panels side by side.
type Scene struct {
	File   string // in docs/pictures, without .svg
	Title  string
	Panels []Panel
}

// A Panel is one moment of a call.
type Panel struct {
	Caption string
	People  []Person
	Hears   [][2]string // listener, speaker
	Music   []string    // who hears music
}

// A Person is drawn as a circle. Absent ones are outlines: they are not in the
// call.
type Person struct {
	Name   string
	Role   Role
	Note   string
	Absent bool
}

// A Role has its place and its colour.
type Role int

const (
	Customer Role = iota
	Agent
	Supervisor
)

// Names of the cast.
const (
	TheCustomer = "customer"
	Ann         = "Ann"
	Lee         = "Lee"
	Mia         = "Mia"
)

func customer() Person              { return Person{Name: TheCustomer, Role: Customer} }
func agent(note string) Person      { return Person{Name: Ann, Role: Agent, Note: note} }
func boss(name, note string) Person { return Person{Name: name, Role: Supervisor, Note: note} }

// all is everybody hearing everybody.
func all(names ...string) (pairs [][2]string) {
	for _, l := range names {
		for _, s := range names {
			if l != s {
				pairs = append(pairs, [2]string{l, s})
			}
		}
	}
	return pairs
}

func with(pairs [][2]string, more ...[2]string) [][2]string { return append(pairs, more...) }

// Scenes are the pictures of the README.
func Scenes() []Scene {
	monitor := with(all(TheCustomer, Ann), [2]string{Mia, TheCustomer}, [2]string{Mia, Ann})
	coach := func(name string) [][2]string {
		return with(all(TheCustomer, Ann), [2]string{name, TheCustomer}, [2]string{name, Ann}, [2]string{Ann, name})
	}
	muted := with(all(TheCustomer, Mia), [2]string{Ann, TheCustomer}, [2]string{Ann, Mia})
	return []Scene{
		{"connect", "Connect", []Panel{
			{Caption: "the customer waits", People: []Person{customer(), {Name: Ann, Role: Agent, Note: "rings", Absent: true}}, Music: []string{TheCustomer}},
			{Caption: "Ann answers", People: []Person{customer(), agent("")}, Hears: all(TheCustomer, Ann)},
		}},
		{"add-supervisor", "Add supervisor", []Panel{
			{Caption: "Lee coaches: Ann alone hears her", People: []Person{customer(), agent(""), boss(Lee, "")}, Hears: coach(Lee)},
		}},
		{"barge", "Barge", []Panel{
			{Caption: "Mia listens: nobody hears her", People: []Person{customer(), agent(""), boss(Mia, "muted")}, Hears: monitor},
			{Caption: "Mia coaches", People: []Person{customer(), agent(""), boss(Mia, "")}, Hears: coach(Mia)},
		}},
		{"take-over", "Take over", []Panel{
			{Caption: "AgentKeep", People: []Person{customer(), agent(""), boss(Mia, "")}, Hears: all(TheCustomer, Ann, Mia)},
			{Caption: "AgentMute", People: []Person{customer(), agent("muted"), boss(Mia, "")}, Hears: muted},
			{Caption: "AgentHold", People: []Person{customer(), agent("on hold"), boss(Mia, "")}, Hears: all(TheCustomer, Mia), Music: []string{Ann}},
			{Caption: "AgentRemove", People: []Person{customer(), {Name: Ann, Role: Agent, Note: "gone", Absent: true}, boss(Mia, "")}, Hears: all(TheCustomer, Mia)},
		}},
		{"hand-back", "Hand back", []Panel{
			{Caption: "before", People: []Person{customer(), agent("muted"), boss(Mia, "")}, Hears: muted},
			{Caption: "first Ann is audible again", People: []Person{customer(), agent(""), boss(Mia, "")}, Hears: all(TheCustomer, Ann, Mia)},
			{Caption: "then Mia is lowered", People: []Person{customer(), agent(""), boss(Mia, "")}, Hears: coach(Mia)},
		}},
	}
}
