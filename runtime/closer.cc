#include "sluice/runtime/closer.h"

#include <memory>

namespace sluice {

namespace {

class Closer final : public TaskOwner {
public:
    explicit Closer(Loop& loop) noexcept : loop_(loop) {}

    void finished(Coroutine& closing) noexcept override {
        closing.frame.destroy();
        loop_.needed_no_longer();
        delete this;
    }

private:
    Loop& loop_;
};

}  // namespace

void close_behind(Loop& loop, Task<> closing) noexcept {
    loop.needed_still();
    auto closer = std::make_unique<Closer>(loop);
    closing.release(loop, nullptr, *closer.release());  // It goes when the closing has ended.
}

}  // namespace sluice
