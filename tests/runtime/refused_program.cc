// Not built, but shown to the compilers by refused_test.cc: they must refuse each line that is
// marked, and no other. GCC 12 warns at no co_await.

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/file.h"
#include "sluice/runtime/make_backend.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/transport.h"

#include <span>
#include <string>
#include <tuple>

namespace sluice::tests {

Task<int> number() {
    co_return 1;
}

Result<int> result() {
    return 1;
}

Task<> drops_what_it_should_await(ByteSink& sink, Transport& transport, Acceptor& acceptor,
                                  Scope& scope, File& file) {
    const std::span<const std::byte> octets;
    const std::span<iovec> parts;
    const Duration patience(1);
    number();                           // refused
    sink.write(octets);                 // refused
    sink.finish();                      // refused
    transport.send(parts);              // refused
    transport.receive();                // refused
    transport.shut_down_sending();      // refused
    transport.close(Ending::orderly);   // refused
    acceptor.accept();                  // refused
    acceptor.close();                   // refused
    scope.join();                       // refused
    file.sync();                        // refused
    file.write_at(octets, 0);           // refused
    file.set_attribute("user.a", "b");  // refused
    make_backend();                     // refused
    shielded(number());                 // refused
    sleep_for(Duration(1));             // refused
    Task<int> copied = number();
    Task<int> copy = copied;     // refused
    copied = number();           // refused
    const int value = number();  // refused
    co_await number();
    co_await sink.write(octets);                   // refused by Clang
    co_await sink.finish();                        // refused by Clang
    co_await transport.send(parts);                // refused by Clang
    co_await transport.receive();                  // refused by Clang
    co_await acceptor.accept();                    // refused by Clang
    co_await file.sync();                          // refused by Clang
    co_await shielded(file.sync());                // refused by Clang
    co_await with_timeout(patience, file.sync());  // refused by Clang
    std::ignore = co_await sink.finish();
    co_await sleep_for(patience);
    co_await transport.close(Ending::orderly);
    scope.spawn(scope.join());
    co_await scope.join();
}

}  // namespace sluice::tests
