#pragma once
// A section of files that are added and removed: a row for each, and below them the list that adds.

#include "app/panels/sections/compose_section.h"
#include "core/library/companion_files.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

class QVBoxLayout;

namespace kinora::app {

class CompanionBox;
class EntryRow;
class HintLine;

class ListSection : public ComposeSection {
    Q_OBJECT
  public:
    // noun: "LoRA", as in "Add a LoRA".
    ListSection(const Parts& parts, const QString& title, const QString& noun,
                std::vector<core::CompanionKind> kinds);

    bool use(const core::CompanionInfo& file) override;
    const std::vector<EntryRow*>& rows() const { return m_rows; }
    CompanionBox* adder() const { return m_adder; }

  protected:
    virtual size_t count() const = 0;
    virtual EntryRow* makeRow(size_t index) = 0;
    virtual void add(core::CompanionKind kind, const std::string& name) = 0;
    virtual void remove(size_t index) = 0;
    void refresh() override;
    // The one file here that goes with the model; nullopt: there is none, or a choice.
    std::optional<std::pair<core::CompanionKind, std::string>> onlyFitting() const;
    // One undo step, the sentence of a refusal below the rows.
    void apply(const pipelines::ImageRequest& after, const QString& undoText,
               const QString& key = {});

  private:
    void orderFocus();
    void removeRow(size_t index);

    QString m_noun;
    std::vector<core::CompanionKind> m_kinds;
    std::vector<EntryRow*> m_rows;
    QVBoxLayout* m_rowsLayout;
    CompanionBox* m_adder;
    HintLine* m_empty;
};

} // namespace kinora::app
