package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeStaff writes a people.json.
func writeStaff(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "people.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestReadStaff(t *testing.T) {
	s, err := readStaff(strings.NewReader(`{
		"hotlines": {"+14155550100": "sales"},
		"people": [
			{"id": "ann", "name": "Ann", "role": "agent", "team": "sales", "endpoint": "ann123456789012", "password": "correct horse"},
			{"id": "lee", "role": "supervisor", "team": "sales", "number": "+14155550111", "password": "battery staple"},
			{"id": "cay", "role": "agent", "team": "sales", "endpoint": "cay1", "address": "sip:cay1_MA@phone.plivo.com", "password": "another secret"}
		]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ role, id, name, address string }{
		{agentRole, "ann", "Ann", "sip:ann123456789012@phone.plivo.com"},
		{supervisorRole, "lee", "lee", "+14155550111"},
		{agentRole, "cay", "cay", "sip:cay1_MA@phone.plivo.com"},
	} {
		if p, ok := s.find(tt.role, tt.id); !ok || p.Name != tt.name || p.Address != tt.address {
			t.Errorf("find(%s, %s) = %+v, %v, want %s at %s", tt.role, tt.id, p, ok, tt.name, tt.address)
		}
	}
	if got := s.teams["14155550100"]; got != "sales" {
		t.Errorf("the hotline’s team is %q, want sales", got)
	}
	if p, _ := s.find(agentRole, "ann"); string(p.Password) != "correct horse" || strings.Contains(strings.Join([]string{p.Password.String()}, ""), "horse") {
		t.Errorf("the password is not kept, or shown: %v", p.Password)
	}
}

func TestReadStaffRefuses(t *testing.T) {
	person := func(s string) string {
		return `{"hotlines": {"14155550100": "sales"}, "people": [
			{"id": "ann", "role": "agent", "team": "sales", "endpoint": "ann1", "password": "correct horse"}, ` + s + `]}`
	}
	for _, tt := range []struct{ text, want string }{
		{`nonsense`, "invalid character"},
		{`{}`, "hotlines: there is none"},
		{`{"peple": []}`, "unknown field"},
		{`{"hotlines": {"sales": "14155550100"}}`, "not a number and its team"},
		{`{"hotlines": {"14155550100": "sales"}}`, "nobody in team \"sales\" is an agent"},
		{person(`{"id": "Bob!", "role": "agent", "team": "sales", "endpoint": "b", "password": "correct horse"}`), "id: want lower case"},
		{person(`{"id": "bob", "role": "boss", "team": "sales", "endpoint": "b", "password": "correct horse"}`), `"boss" is neither`},
		{person(`{"id": "ann", "role": "agent", "team": "sales", "endpoint": "b", "password": "correct horse"}`), "used twice"},
		{person(`{"id": "bob", "role": "agent", "endpoint": "b", "password": "correct horse"}`), "team: missing"},
		{person(`{"id": "bob", "role": "agent", "team": "sales", "password": "correct horse"}`), "either endpoint or number"},
		{person(`{"id": "bob", "role": "agent", "team": "sales", "endpoint": "b", "number": "14155550111", "password": "correct horse"}`), "either endpoint or number"},
		{person(`{"id": "bob", "role": "agent", "team": "sales", "endpoint": "sip:b@x", "password": "correct horse"}`), "without sip:"},
		{person(`{"id": "bob", "role": "agent", "team": "sales", "number": "12", "password": "correct horse"}`), "no telephone number"},
		{person(`{"id": "bob", "role": "agent", "team": "sales", "endpoint": "b", "password": "short"}`), "12 characters"},
		{person(`{"id": "bob", "role": "agent", "team": "sales", "endpoint": "b"}`), "12 characters"},
	} {
		if _, err := readStaff(strings.NewReader(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("readStaff(%s) = %v, want an error with %q", tt.text, err, tt.want)
		} else if strings.Contains(err.Error(), "horse") {
			t.Errorf("readStaff(%s) shows a password: %v", tt.text, err)
		}
	}
}
