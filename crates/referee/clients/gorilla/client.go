// gorilla/websocket does not dial again by itself, so this is the loop that its users write.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

const delay = time.Second

func follow() error {
	header := http.Header{"Authorization": {"Bearer " + os.Getenv("ENGINE_TOKEN")}}
	socket, _, err := websocket.DefaultDialer.Dial(os.Getenv("ENGINE_URL"), header)
	if err != nil {
		return err
	}
	defer socket.Close()
	for _, subscription := range os.Args[1:] {
		if err := socket.WriteMessage(websocket.TextMessage, []byte(subscription)); err != nil {
			return err
		}
	}
	for {
		_, message, err := socket.ReadMessage()
		if err != nil {
			return err
		}
		fmt.Println(string(message))
	}
}

func main() {
	for {
		log.Print(follow())
		time.Sleep(delay)
	}
}
