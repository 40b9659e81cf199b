// Records without a connection: against the traces of RFC 8448, and against each other.

#include "sluice/tls/records.h"

#include "sluice/tests/tls/engines.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::lent;
using tls::Output;
using tls::RecordCipher;
using tls::Records;
using tls::RecordSuite;
using tls::Step;
using tls::TrafficSecret;

using Octets = std::vector<std::byte>;

// AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305.
constexpr std::array<std::uint16_t, 3> numbers{0x1301, 0x1302, 0x1303};

Octets octets_of(std::string_view hex) {
    Octets octets;
    for (std::size_t at = 0; at < hex.size(); at += 2) {
        unsigned value = 0;
        std::from_chars(hex.data() + at, hex.data() + at + 2, value, 16);
        octets.push_back(static_cast<std::byte>(value));
    }
    return octets;
}

Octets octets_of(const Output& output) {
    return {output.octets().begin(), output.octets().end()};
}

const RecordSuite& suite(std::uint16_t number) {
    const tls::OwnedContext context(SSL_CTX_new(TLS_method()));
    const tls::OwnedSsl ssl(SSL_new(context.get()));
    const std::array<unsigned char, 2> name{static_cast<unsigned char>(number >> 8),
                                            static_cast<unsigned char>(number)};
    const RecordSuite* const found = RecordSuite::find(SSL_CIPHER_find(ssl.get(), name.data()));
    REQUIRE(found != nullptr);
    return *found;
}

constexpr std::string_view secret_of_client =
    "CLIENT_TRAFFIC_SECRET_0 00 9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
constexpr std::string_view secret_of_server =
    "SERVER_TRAFFIC_SECRET_0 00 a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";

// The two ends of one connection, of which the server has sent so many records already.
struct Pair {
    static constexpr std::uint64_t records_max_default = std::uint64_t{1} << 24;

    explicit Pair(std::uint16_t number = 0x1301, std::uint64_t records_sent = 0,
                  std::uint64_t records_max = records_max_default)
        : client(Records::Beginning{.suite = suite(number),
                                    .received = secret(secret_of_server, number),
                                    .sent = secret(secret_of_client, number),
                                    .records_sent = 0,
                                    .is_server = false},
                 records_max),
          server(Records::Beginning{.suite = suite(number),
                                    .received = secret(secret_of_client, number),
                                    .sent = secret(secret_of_server, number),
                                    .records_sent = records_sent,
                                    .is_server = true},
                 records_max) {}

    static TrafficSecret secret(std::string_view line, std::uint16_t number) {
        TrafficSecret secret = TrafficSecret::of_key_log(line);
        secret.size = suite(number).secret_octets;  // Zeros behind, if need be.
        return secret;
    }

    Records client;
    Records server;
};

struct Heard {
    Octets plaintext;
    std::optional<Step> end;  // Other than done.
};

// All records that there are behind these octets.
Heard hear(Records& records, std::span<const std::byte> octets) {
    Heard heard;
    std::vector<std::byte> into(std::size_t{17} * 1024);
    Received input = lent(octets);
    records.reader().gather(input);
    while (!heard.end && records.reader().has_record()) {
        const Records::Opened opened = records.open(input, into, nullptr);
        heard.plaintext.insert(heard.plaintext.end(), into.begin(),
                               into.begin() + static_cast<std::ptrdiff_t>(opened.octets));
        if (opened.step != Step::done) {
            heard.end = opened.step;
        }
    }
    return heard;
}

Octets sealed(Records& records, std::span<const std::byte> plaintext) {
    Output output;
    records.seal(plaintext, output);
    return octets_of(output);
}

Octets counting(std::size_t count) {
    Octets octets(count);
    for (std::size_t index = 0; index < count; ++index) {
        octets[index] = static_cast<std::byte>(index * 7 + index / 256);
    }
    return octets;
}

TEST_CASE("records: are those of the handshake that RFC 8448 has traced",
          "[tls][records][rfc8448-3]") {
    const Octets plaintext = octets_of(
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c"
        "2d2e2f3031");
    const Octets by_client = octets_of(
        "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20"
        "441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4");
    const Octets by_server = octets_of(
        "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb50"
        "1a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d");
    const Octets goodbye = octets_of("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3");
    Pair pair(0x1301, 1);  // Behind one ticket.
    CHECK(sealed(pair.client, plaintext) == by_client);
    CHECK(sealed(pair.server, plaintext) == by_server);
    Output said;
    pair.client.seal_alert(std::array{std::byte{1}, std::byte{0}}, said);
    CHECK(octets_of(said) == goodbye);
    const Heard data = hear(pair.server, by_client);
    CHECK(data.plaintext == plaintext);
    CHECK_FALSE(data.end);
    CHECK(hear(pair.server, goodbye).end == Step::ended);
}

Octets joined(Octets first, std::span<const std::byte> second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

TEST_CASE("records: come out whole, wherever what carries them was cut, and not before",
          "[tls][records]") {
    const Octets behind = counting(2);
    for (const std::uint16_t number : numbers) {
        Pair pair(number);
        for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 100U}) {
            CAPTURE(number, size);
            const Octets plaintext = counting(size);
            const Octets record = sealed(pair.client, plaintext);
            for (std::size_t at = 0; at + 1 < record.size(); ++at) {
                const Heard early = hear(pair.server, std::span(record).subspan(at, 1));
                CHECK(early.plaintext.empty());
                CHECK_FALSE(early.end);
            }
            CHECK(hear(pair.server, std::span(record).last(1)).plaintext == plaintext);
            for (std::size_t cut = 1; cut < record.size(); ++cut) {
                Octets two = sealed(pair.client, plaintext);
                two = joined(two, sealed(pair.client, behind));
                CHECK(hear(pair.server, std::span(two).first(cut)).plaintext.empty());
                CHECK(hear(pair.server, std::span(two).subspan(cut)).plaintext ==
                      joined(plaintext, behind));
                CHECK(pair.server.reader().kept_octets() == 0);
            }
        }
    }
}

TEST_CASE("records: give the receive buffer back, whatever of a record is in it",
          "[tls][records]") {
    Pair pair;
    const Octets record = sealed(pair.client, counting(100));
    for (const std::size_t size : {3U, 4U, 50U}) {
        Received input = lent(std::span(record).first(size));
        pair.server.reader().gather(input);
        CHECK(input.empty());
        CHECK_FALSE(pair.server.reader().has_record());
    }
}

// What a record is refused for, of which one bit was changed.
Alert refusal_of_altered(std::size_t at) {
    Pair pair;
    Octets record = sealed(pair.client, counting(20));
    record[at] ^= std::byte{1};
    record = joined(record, sealed(pair.client, counting(300)));
    const Heard heard = hear(pair.server, record);
    CHECK(heard.plaintext.empty());
    CHECK(heard.end == Step::failed);
    CHECK(pair.server.failure().code == Errc::alert_sent);
    return pair.server.failure().alert;
}

TEST_CASE("records: yield nothing of one that was altered, in any octet", "[tls][records]") {
    constexpr std::size_t record_octets = 20 + RecordCipher::overhead_octets;
    CHECK(refusal_of_altered(0) == Alert::unexpected_message);
    for (std::size_t at = 1; at < record_octets; ++at) {
        CAPTURE(at);
        CHECK(refusal_of_altered(at) == Alert::bad_record_mac);
    }
}

TEST_CASE("records: a key that has sealed enough is changed, and the other end goes along",
          "[tls][records][rfc8446-5.5]") {
    for (const std::uint16_t number : numbers) {
        CAPTURE(number);
        constexpr std::size_t records_max = 5;
        constexpr std::size_t updates = 4;
        constexpr std::size_t count = updates * records_max + 3;
        Pair pair(number, 0, records_max);
        Octets sent;
        Octets wire;
        for (std::size_t each = 0; each < count; ++each) {
            sent = joined(sent, counting(each));
            wire = joined(wire, sealed(pair.server, counting(each)));
        }
        CHECK(wire.size() == sent.size() + count * RecordCipher::overhead_octets +
                                 updates * (RecordCipher::overhead_octets + 5));
        CHECK(hear(pair.client, wire).plaintext == sent);
        CHECK(pair.client.has_changed_keys());
        CHECK_FALSE(pair.client.owes_new_keys());
    }
}

// A client that seals whatever it likes, and a server that hears it; or the other way round.
class Crafting {
public:
    explicit Crafting(bool by_server = false)
        : heard_by_(by_server ? pair_.client : pair_.server),
          sealing_(RecordCipher::Use::seal, suite(0x1301),
                   TrafficSecret::of_key_log(by_server ? secret_of_server : secret_of_client), 0) {}

    Heard say(std::uint8_t type, const Octets& content) {
        Octets record(content.size() + RecordCipher::overhead_octets);
        sealing_.seal(type, content, record);
        return hear(heard_by_, record);
    }
    Heard say(std::uint8_t type, std::string_view hex) { return say(type, octets_of(hex)); }

    [[nodiscard]] const Records::Failure& failure() const { return heard_by_.failure(); }
    [[nodiscard]] Records& heard_by() { return heard_by_; }
    void change_keys() { sealing_.change_keys(); }

private:
    Pair pair_;
    Records& heard_by_;
    RecordCipher sealing_;
};

constexpr std::uint8_t alert_type = 21;
constexpr std::uint8_t handshake_type = 22;
constexpr std::uint8_t data_type = 23;

Alert refusal_of(std::uint8_t type, const Octets& content) {
    Crafting crafting;
    const Heard heard = crafting.say(type, content);
    CHECK(heard.end == Step::failed);
    CHECK(heard.plaintext.empty());
    CHECK(crafting.failure().code == Errc::alert_sent);
    return crafting.failure().alert;
}

Alert refusal_of(std::uint8_t type, std::string_view hex) {
    return refusal_of(type, octets_of(hex));
}

TEST_CASE("records: refuse what no peer may say, with the alert that the RFC has for it",
          "[tls][records][rfc8446-5]") {
    CHECK(refusal_of(0, "") == Alert::unexpected_message);
    CHECK(refusal_of(0, Octets(100)) == Alert::unexpected_message);
    CHECK(refusal_of(20, "01") == Alert::unexpected_message);
    CHECK(refusal_of(24, "0100") == Alert::unexpected_message);
    CHECK(refusal_of(handshake_type, "") == Alert::unexpected_message);
    CHECK(refusal_of(handshake_type, "0100000100") == Alert::unexpected_message);  // ClientHello
    CHECK(refusal_of(handshake_type, "0d00000100") == Alert::unexpected_message);
    CHECK(refusal_of(handshake_type, "0400000100") == Alert::unexpected_message);  // A ticket
    CHECK(refusal_of(handshake_type, "18000000") == Alert::decode_error);  // KeyUpdate, of nothing,
    CHECK(refusal_of(handshake_type, "180000020000") == Alert::decode_error);     // of too much,
    CHECK(refusal_of(handshake_type, "1800000102") == Alert::illegal_parameter);  // of who knows,
    CHECK(refusal_of(handshake_type, "180000010018") == Alert::unexpected_message);  // not the end
    CHECK(refusal_of(alert_type, "") == Alert::decode_error);
    CHECK(refusal_of(alert_type, "01") == Alert::decode_error);
    CHECK(refusal_of(alert_type, "01000100") == Alert::decode_error);
    CHECK(refusal_of(data_type, Octets(16'385)) == Alert::record_overflow);
    Pair pair;
    CHECK(hear(pair.server, octets_of("1703034101")).end == Step::failed);
    CHECK(pair.server.failure().alert == Alert::record_overflow);
    Pair other;
    CHECK(hear(other.server, octets_of("1703030000")).end == Step::failed);
    CHECK(other.server.failure().alert == Alert::bad_record_mac);
    Pair third;
    CHECK(hear(third.server, octets_of("15030300020228")).end == Step::failed);
    CHECK(third.server.failure().alert == Alert::unexpected_message);
}

TEST_CASE("records: an alert ends the connection whatever its level, but for two",
          "[tls][records][rfc8446-6]") {
    for (const std::string_view hex : {"0228", "0128", "02ff"}) {
        Crafting crafting;
        CHECK(crafting.say(alert_type, hex).end == Step::failed);
        CHECK(crafting.failure().code == Errc::alert_received);
        CHECK(static_cast<std::byte>(crafting.failure().alert) == octets_of(hex).back());
    }
    for (const std::string_view level : {"01", "02"}) {
        Crafting crafting;
        CHECK_FALSE(crafting.say(alert_type, std::string(level) + "5a").end);  // user_canceled
        CHECK(crafting.say(data_type, counting(3)).plaintext == counting(3));
        CHECK(crafting.say(alert_type, std::string(level) + "00").end == Step::ended);
    }
}

TEST_CASE("records: padding is no plaintext", "[tls][records][rfc8446-5.4]") {
    Crafting crafting;
    const Octets padded = joined(joined(counting(20), octets_of("17")), Octets(300));
    CHECK(crafting.say(0, padded).plaintext == counting(20));
    CHECK_FALSE(crafting.say(0, octets_of("17000000")).end);
    CHECK(crafting.say(0, octets_of("16000000")).end == Step::failed);
}

TEST_CASE("records: a message may be cut, but nothing else comes within it",
          "[tls][records][rfc8446-5.1]") {
    Crafting crafting;
    for (const std::string_view piece : {"18", "0000", "01", "00"}) {
        CHECK_FALSE(crafting.heard_by().has_changed_keys());
        CHECK_FALSE(crafting.say(handshake_type, piece).end);
    }
    CHECK(crafting.heard_by().has_changed_keys());
    crafting.change_keys();
    CHECK(crafting.say(data_type, counting(5)).plaintext == counting(5));
    CHECK_FALSE(crafting.say(handshake_type, "180000").end);
    CHECK(crafting.say(data_type, counting(5)).end == Step::failed);
    CHECK(crafting.failure().alert == Alert::unexpected_message);
}

TEST_CASE("records: a client lets tickets pass, also several at once and in pieces",
          "[tls][records][rfc8446-4.6.1]") {
    Crafting crafting(true);
    CHECK_FALSE(crafting.say(handshake_type, "0400000201020400000103").end);
    CHECK_FALSE(crafting.say(handshake_type, joined(octets_of("04010000"), Octets(16'000))).end);
    for (std::size_t left = 0x10000 - 16'000; left > 0;) {
        const std::size_t size = std::min<std::size_t>(left, 16'000);
        CHECK_FALSE(crafting.say(handshake_type, Octets(size)).end);
        left -= size;
    }
    CHECK(crafting.say(data_type, counting(5)).plaintext == counting(5));
    CHECK(crafting.say(handshake_type, "0410000000").end == Step::failed);
    CHECK(crafting.failure().alert == Alert::decode_error);
}

TEST_CASE("records: a peer may say nothing often, but not without end", "[tls][records]") {
    Crafting crafting;
    for (int times = 0; times < 3; ++times) {
        for (int count = 0; count < 32; ++count) {
            CHECK_FALSE(crafting.say(data_type, Octets()).end);
        }
        CHECK(crafting.say(data_type, counting(1)).plaintext == counting(1));
    }
    for (int count = 0; count < 32; ++count) {
        CHECK_FALSE(crafting.say(alert_type, "015a").end);
    }
    CHECK(crafting.say(data_type, Octets()).end == Step::failed);
    CHECK(crafting.failure().code == Errc::limit_exceeded);
}

TEST_CASE("records: who is asked for new keys changes its own with the next plaintext",
          "[tls][records][rfc8446-4.6.3]") {
    for (const bool is_demanded : {false, true}) {
        Pair pair;
        RecordCipher sealing(RecordCipher::Use::seal, suite(0x1301),
                             TrafficSecret::of_key_log(secret_of_client), 0);
        Octets update(5 + RecordCipher::overhead_octets);
        sealing.seal(handshake_type, octets_of(is_demanded ? "1800000101" : "1800000100"), update);
        CHECK_FALSE(hear(pair.server, update).end);
        CHECK(pair.server.owes_new_keys() == is_demanded);
        const Octets answer = sealed(pair.server, counting(7));
        const std::size_t records = is_demanded ? 2 : 1;
        CHECK(answer.size() == records * RecordCipher::overhead_octets + (records - 1) * 5 + 7);
        CHECK(hear(pair.client, answer).plaintext == counting(7));
        CHECK_FALSE(pair.client.owes_new_keys());
        CHECK_FALSE(pair.server.owes_new_keys());
    }
}

TEST_CASE("records: of more connections than have their keys at hand, each has its own",
          "[tls][records]") {
    std::vector<std::unique_ptr<Pair>> pairs;
    for (std::size_t count = 0; count < 600; ++count) {
        pairs.push_back(std::make_unique<Pair>());
    }
    for (std::size_t round = 0; round < 3; ++round) {
        for (std::size_t index = 0; index < pairs.size(); index += round + 1) {
            const Octets said = counting(index);
            CHECK(hear(pairs[index]->server, sealed(pairs[index]->client, said)).plaintext == said);
            if (index % 7 == 0) {
                pairs[index] = std::make_unique<Pair>();
            }
        }
    }
}

}  // namespace
}  // namespace sluice
