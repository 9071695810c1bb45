//! A dial goes to the network, and inside a scenario to where the scenario says.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpListener;
use wstape_dial::{Dialing, Network, Transport, dial, enter};

/// Keeps the far end of each connection that is dialled, for the test.
#[derive(Default)]
struct Memory {
    dialled: RefCell<Vec<(String, u16, DuplexStream)>>,
}

impl Network for Memory {
    fn dial(&self, host: &str, port: u16) -> Dialing {
        let (near, far) = duplex(64);
        self.dialled.borrow_mut().push((host.to_owned(), port, far));
        Box::pin(async { Ok(Box::new(near) as Box<dyn Transport>) })
    }
}

#[tokio::test]
async fn outside_a_scenario_it_is_a_tcp_connect() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    let (dialled, accepted) = tokio::join!(dial("127.0.0.1", port), listener.accept());
    let (mut near, mut far) = (dialled?, accepted?.0);
    assert!(near.as_tcp().is_some());
    near.set_nodelay(true)?;
    near.write_all(b"hello").await?;
    let mut read = [0; 5];
    far.read_exact(&mut read).await?;
    assert_eq!(&read, b"hello");
    drop(listener);
    let refused = dial("127.0.0.1", port).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    Ok(())
}

#[tokio::test]
async fn inside_one_it_leads_where_the_scenario_says_and_outside_again_once_it_is_left()
-> io::Result<()> {
    let outer = Rc::new(Memory::default());
    let inner = Rc::new(Memory::default());
    let entered = enter(outer.clone());
    {
        let _entered = enter(inner.clone());
        let mut near = dial("[::1]", 8765).await?;
        assert!(near.as_tcp().is_none());
        near.set_nodelay(true)?;
        near.write_all(b"hello").await?;
    }
    dial("feed.example", 443).await?;
    drop(entered);
    let (host, port, mut far) = inner.dialled.borrow_mut().pop().unwrap();
    assert_eq!((host.as_str(), port), ("::1", 8765));
    let mut read = Vec::new();
    far.read_to_end(&mut read).await?;
    assert_eq!(read, b"hello");
    let dialled = outer.dialled.take();
    assert_eq!(
        (dialled[0].0.as_str(), dialled[0].1, dialled.len()),
        ("feed.example", 443, 1)
    );

    // Nobody listens there: were the network still entered, the dial would have succeeded.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    drop(listener);
    assert!(dial("127.0.0.1", port).await.is_err());
    Ok(())
}

#[tokio::test]
async fn another_thread_is_not_in_the_scenario() {
    let _entered = enter(Rc::new(Memory::default()));
    let elsewhere = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        // Port 1 is closed.
        runtime.block_on(dial("127.0.0.1", 1)).is_ok()
    });
    assert!(!elsewhere.join().unwrap());
}

#[test]
fn a_stream_may_be_shared_between_threads_as_a_tcp_stream_may() {
    // The compiler checks this: a program that holds its stream behind an `Arc` still builds.
    fn shared<T: Send + Sync + 'static>() {}
    shared::<tokio::net::TcpStream>();
    shared::<wstape_dial::Stream>();
}
