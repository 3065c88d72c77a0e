package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/mpc-coaching/coaching"
)

// The parts people play, as an Actor's Role.
const (
	agentRole      = "agent"
	supervisorRole = "supervisor"
)

// A person works here.
type person struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Role     string          `json:"role"` // agentRole or supervisorRole
	Team     string          `json:"team"`
	Endpoint string          `json:"endpoint"` // username of a SIP endpoint; or
	Number   string          `json:"number"`   // a telephone number
	Address  string          `json:"address"`  // to ring; "": made of the two above
	Password coaching.Secret `json:"-"`        // of their page, with the real Plivo
}

// A staff is who works here, and which team a number belongs to.
type staff struct {
	people []person
	teams  map[string]string // by hotline, a number without "+"
}

// emulatedStaff is who works here where no file says so.
func emulatedStaff() staff {
	p := func(id, name, role, team string) person {
		return person{ID: id, Name: name, Role: role, Team: team, Endpoint: id, Address: "sip:" + id + "@phone.plivo.com"}
	}
	return staff{
		people: []person{
			p("ann", "Ann", agentRole, "sales"),
			p("cay", "Cay", agentRole, "sales"),
			p("bob", "Bob", agentRole, "support"),
			p("lee", "Lee", supervisorRole, "sales"),
			p("mia", "Mia", supervisorRole, "support"),
		},
		teams: map[string]string{"14155550100": "sales", "14155550101": "support"},
	}
}

// find returns the person of that role with that id.
func (s staff) find(role, id string) (person, bool) {
	i := slices.IndexFunc(s.people, func(p person) bool { return p.Role == role && p.ID == id })
	if i < 0 {
		return person{}, false
	}
	return s.people[i], true
}

// of returns the people of a role in a team, in the order of the list.
func (s staff) of(role, team string) []person {
	return slices.DeleteFunc(slices.Clone(s.people), func(p person) bool { return p.Role != role || p.Team != team })
}

// hotlines returns the numbers, in order.
func (s staff) hotlines() []string {
	out := make([]string, 0, len(s.teams))
	for n := range s.teams {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// team returns the team that a call is for.
func (s staff) team(c coaching.Call) string {
	return s.teams[strings.TrimPrefix(c.To, "+")]
}

func (p person) agent() coaching.Agent {
	return coaching.Agent{ID: coaching.AgentID(p.ID), Address: p.Address}
}

func (p person) supervisor() coaching.Supervisor {
	return coaching.Supervisor{ID: coaching.SupervisorID(p.ID), Address: p.Address, Name: p.Name}
}

func (p person) actor() coaching.Actor { return coaching.Actor{ID: p.ID, Role: p.Role} }

var (
	personID     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	endpointName = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)
	phoneNumber  = regexp.MustCompile(`^\+?[1-9][0-9]{6,14}$`)
)

// minPassword is the least length of a password: whoever has it telephones at
// the account's expense.
const minPassword = 12

// readStaff reads people.json. Its error names everything that is wrong.
func readStaff(r io.Reader) (staff, error) {
	var file struct {
		Hotlines map[string]string `json:"hotlines"`
		People   []struct {
			person
			Password string `json:"password"`
		} `json:"people"`
	}
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return staff{}, err
	}
	s := staff{teams: map[string]string{}}
	var errs []error
	for number, team := range file.Hotlines {
		if !phoneNumber.MatchString(number) || team == "" {
			errs = append(errs, fmt.Errorf("hotlines: %q: %q is not a number and its team", number, team))
		}
		s.teams[strings.TrimPrefix(number, "+")] = team
	}
	if len(s.teams) == 0 {
		errs = append(errs, errors.New("hotlines: there is none"))
	}
	for i, f := range file.People {
		p := f.person
		p.Password = coaching.Secret(f.Password)
		wrong := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("people[%d] %q: "+format, append([]any{i, p.ID}, args...)...))
		}
		if !personID.MatchString(p.ID) {
			wrong("id: want lower case letters, digits and -, 32 at most")
		}
		if p.Role != agentRole && p.Role != supervisorRole {
			wrong("role: %q is neither %q nor %q", p.Role, agentRole, supervisorRole)
		}
		if slices.ContainsFunc(s.people, func(o person) bool { return o.ID == p.ID }) {
			wrong("id: used twice")
		}
		if p.Team == "" {
			wrong("team: missing")
		}
		switch {
		case (p.Endpoint == "") == (p.Number == ""):
			wrong("give either endpoint or number")
		case p.Endpoint != "" && !endpointName.MatchString(p.Endpoint):
			wrong("endpoint: want its username, letters and digits, without sip: and host")
		case p.Number != "" && !phoneNumber.MatchString(p.Number):
			wrong("number: %q is no telephone number with its country code", p.Number)
		case p.Address == "" && p.Endpoint != "":
			p.Address = "sip:" + p.Endpoint + "@phone.plivo.com"
		case p.Address == "":
			p.Address = p.Number
		}
		if len(f.Password) < minPassword {
			wrong("password: want %d characters at least", minPassword)
		}
		if p.Name == "" {
			p.Name = p.ID
		}
		s.people = append(s.people, p)
	}
	for _, team := range s.teams {
		if len(s.of(agentRole, team)) == 0 {
			errs = append(errs, fmt.Errorf("hotlines: nobody in team %q is an agent", team))
		}
	}
	return s, errors.Join(errs...)
}
