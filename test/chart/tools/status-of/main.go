// Tells what GitOps tools make of objects: one JSON request a line on standard input, one JSON answer a line back.
// The library of kstatus (Flux, kpt) and the Lua of Argo CD answer, nothing of ours.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

const mostBytes = 4 << 20

type request struct {
	Object map[string]any `json:"object"`
	// A health script as Argo CD runs it; empty: kstatus is asked.
	Lua string `json:"lua"`
}

type answer struct {
	Status  string `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
	Error   string `json:"error,omitempty"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, mostBytes)
	encoder := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		given, err := answerTo(lines.Bytes())
		if err != nil {
			given.Error = err.Error()
		}
		if err := encoder.Encode(given); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answerTo(line []byte) (answer, error) {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{}, err
	}
	if asked.Lua != "" {
		return health(asked.Lua, asked.Object)
	}
	result, err := status.Compute(&unstructured.Unstructured{Object: whole(asked.Object)})
	if err != nil {
		return answer{}, err
	}
	return answer{Status: result.Status.String(), Message: result.Message}, nil
}

// The object is the global obj, and no library is open but the base, table, string and math ones, as in Argo CD.
func health(script string, object map[string]any) (answer, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []lua.LGFunction{lua.OpenBase, lua.OpenTable, lua.OpenString, lua.OpenMath} {
		state.Push(state.NewFunction(library))
		state.Call(0, 0)
	}
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		return answer{}, err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return answer{}, fmt.Errorf("the script returns %s, expected a table", state.Get(-1).Type())
	}
	return answer{
		Status:  lua.LVAsString(table.RawGetString("status")),
		Message: lua.LVAsString(table.RawGetString("message")),
	}, nil
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range value {
			table.Append(toLua(state, item))
		}
		return table
	case string:
		return lua.LString(value)
	case float64:
		return lua.LNumber(value)
	case bool:
		return lua.LBool(value)
	}
	return lua.LNil
}

// Numbers without a fraction as integers, as the API machinery decodes them.
func whole(object map[string]any) map[string]any {
	result := make(map[string]any, len(object))
	for key, value := range object {
		result[key] = wholeValue(value)
	}
	return result
}

func wholeValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		return whole(value)
	case []any:
		result := make([]any, len(value))
		for index, item := range value {
			result[index] = wholeValue(item)
		}
		return result
	case float64:
		if value == float64(int64(value)) {
			return int64(value)
		}
	}
	return value
}
